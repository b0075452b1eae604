import { Duration, Effect, Layer, Option, Stream } from "effect"
import type { EdgeState } from "../domain/ports/index.ts"
import { HomeWizardPin } from "../infra/homewizard/index.ts"
import { type Finding, findingsOf, provideCheck, sentence } from "../infra/process/index.ts"
import * as Adapters from "./Adapters.ts"
import { conformance } from "./conformance/index.ts"
import { meterCheck } from "./Doctor.ts"
import * as Environment from "./Environment.ts"
import type { StatusReport } from "./StatusReport.ts"

export interface ExaminationOptions {
  /** Where the meter is, instead of where it is configured. */
  readonly host: Option.Option<string>
  /** What the edge says that runs. */
  readonly running: Option.Option<StatusReport>
}

/** A meter that an edge asks as well is left alone for longer, so that both together ask no faster than it bears. */
const between = Option.match<Duration.Duration, StatusReport>({
  onNone: () => Duration.millis(500),
  onSome: () => Duration.seconds(1),
})

/** Whom the meter has to be: the edge that runs says it, else it is read in the spool, which is free again at once. */
const pinned = ({ running }: ExaminationOptions): Layer.Layer<EdgeState, { readonly message: string }> =>
  Layer.unwrapEffect(
    Option.match(running, {
      onNone: () => Effect.provide(HomeWizardPin.pinned, Adapters.spool),
      onSome: (report) => Effect.succeed(Option.fromNullable(report.meter_identity)),
    }).pipe(Effect.map(HomeWizardPin.layerOf)),
  )

/**
 * Examines the meter, whether or not an edge is asking it meanwhile. Nothing is stored, and who does not prove to be
 * the meter that was paired is asked nothing.
 */
export const examination = (options: ExaminationOptions): Stream.Stream<Finding> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const address = yield* Adapters.addressOf(options.host)
      if (address.api === "v1") {
        return findingsOf([provideCheck(meterCheck, Adapters.meterAt(address).pipe(Layer.provide(pinned(options))))])
      }
      const zone = yield* Environment.zone
      const meter = Layer.provide(Adapters.probeOf(address), pinned(options))
      return Stream.provideLayer(conformance({ zone, between: between(options.running) }), meter)
    }),
  ).pipe(
    Stream.catchAll((error) => Stream.succeed({ name: "meter", verdict: "failed", said: sentence(error) } as const)),
  )
