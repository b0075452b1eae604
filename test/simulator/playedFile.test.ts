import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readPlayed } from "../../src/simulator/PlayedFile.ts"
import { makeHousehold, replay } from "../../src/simulator/index.ts"
import { quarterS, secondOf, zone } from "./support.ts"

const header =
  "Van (datum);Van (tijdstip);Tot (datum);Tot (tijdstip);EAN-code;Meter;Metertype;Register;Volume;Eenheid;Validatiestatus;Omschrijving"
const line = (from: string, to: string, register: string, volume: string) =>
  `05-01-2026;${from}:00;05-01-2026;${to}:00;="541448800000000000";1SAG0000000001;Digitale meter;${register};${volume};kWh;Gevalideerd;`

const written = (text: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const file = `${yield* fs.makeTempDirectoryScoped()}/year.csv`
    yield* fs.writeFileString(file, text)
    return file
  })

describe("a file of the grid operator", () => {
  it.scoped("becomes the household's power", () =>
    Effect.gen(function* () {
      const file = yield* written(
        [
          header,
          line("12:00", "12:15", "Afname Dag", "0,250"),
          line("12:00", "12:15", "Injectie Dag", "0,000"),
          line("12:15", "12:30", "Afname Dag", "0,000"),
          line("12:15", "12:30", "Injectie Dag", "0,500"),
        ].join("\r\n"),
      )
      const household = replay(makeHousehold({ seed: 1, zone }), yield* readPlayed(file, zone, "METER_PLAY"))
      const noon = secondOf("2026-01-05T11:00:00Z")
      assert.deepStrictEqual(
        [noon, noon + quarterS - 1, noon + quarterS].map((second) => household.loadAt(second).netW),
        [1_000, 1_000, -2_000],
      )
    }).pipe(Effect.provide(NodeContext.layer)),
  )

  it.scoped("is refused with a sentence when it is none", () =>
    Effect.gen(function* () {
      const other = yield* Effect.flip(readPlayed(yield* written("a;b\n1;2\n"), zone, "METER_PLAY"))
      assert.match(other.message, /^METER_PLAY: This is not a history of Fluvius/)
      const gone = yield* Effect.flip(readPlayed("/nowhere.csv", zone, "METER_PLAY"))
      assert.match(gone.message, /^METER_PLAY: \/nowhere[.]csv cannot be read/)
    }).pipe(Effect.provide(NodeContext.layer)),
  )
})
