import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { boundedPorts, fuzz } from "./fuzz/run.ts"
import { layerServer } from "./support/server.ts"

layer(layerServer(boundedPorts), { excludeTestServices: true })("requests from the contract's schemas", (it) => {
  it.effect(
    "valid and nearly valid ones, get only what is documented (npm run fuzz sends 100,000)",
    () =>
      Effect.map(fuzz({ seed: 1, count: 1_500 }), ({ grownBytes, statuses }) => {
        expect(Object.keys(statuses)).toEqual(expect.arrayContaining(["200", "400", "401", "403", "405", "415", "422"]))
        expect(grownBytes).toBeLessThan(30_000_000)
      }),
    60_000,
  )
})
