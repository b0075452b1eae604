import { expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { freshDatabase } from "../support/Database.ts"
import { run } from "../support/Programs.ts"

it.scopedLive(
  "an operator adds, lists, renames, rotates, revokes and removes",
  () =>
    Effect.gen(function* () {
      const url = yield* freshDatabase
      const command = (...args: ReadonlyArray<string>) =>
        run("p1-api", { DATABASE_URL: Redacted.value(url), DATA_DIR: "/nowhere" }, args)
      const json = (...args: ReadonlyArray<string>) =>
        Effect.map(command(...args, "--json"), ({ said }) => JSON.parse(said) as Record<string, unknown>)

      const added = yield* json("devices", "add", "Home")
      expect(added).toEqual({ device_id: "home", token: expect.stringMatching(/^p1d_\w{48}$/) })
      const tokenId = String(added["token"]).slice(4, 14)
      const reader = yield* json("tokens", "add", "--read", "home")
      expect(reader).toEqual({ device_ids: ["home"], token: expect.stringMatching(/^p1r_\w{48}$/) })

      expect(yield* json("devices", "rename", "home", "Thuis")).toEqual({ device_id: "home", name: "Thuis" })
      const home = { device_id: "home", name: "Thuis", timezone: "Europe/Brussels" }
      expect(yield* json("devices", "list")).toEqual({ devices: [home] })

      const rotated = yield* json("tokens", "rotate", tokenId)
      expect(rotated).toMatchObject({ kind: "device", device_ids: ["home"], replaces: tokenId })
      expect((yield* command("tokens", "rotate", tokenId)).said).toMatch(/^Device home has 2 working tokens already: /)
      expect((yield* command("tokens", "revoke", tokenId)).said).toMatch(/^Token \w+ is revoked; /)
      expect(yield* json("tokens", "list")).toMatchObject({
        tokens: [
          { token_id: tokenId, kind: "device", last_used_at: null, revoked_at: expect.any(String) },
          { kind: "read", device_ids: ["home"], revoked_at: null },
          { kind: "device", revoked_at: null },
        ],
      })
      const listed = (yield* command("tokens", "list")).said
      expect(listed).toMatch(/^TOKEN +KIND +DEVICES +MADE +LAST USED +REVOKED\n/)
      expect(listed).not.toContain(String(rotated["token"]).slice(14, 46))

      const asked = yield* command("devices", "remove", "home")
      expect(asked).toEqual({ code: 1, said: "Device home was left as it is: say --yes to delete it.\n" })
      const removed = yield* command("devices", "remove", "--yes", "home")
      expect(removed.said).toBe("Deleted device home (Thuis) with nothing stored yet, and its tokens.\n")
      expect(yield* json("tokens", "list")).toEqual({ tokens: [] })
      expect((yield* command("devices", "list")).said).toContain("There are no devices yet")
      expect((yield* command("devices", "remove", "home")).said).toBe("There is no device home.\n")
    }),
  60_000,
)
