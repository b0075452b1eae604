import { Context, type Duration, type Effect, type Option } from "effect"

/** What announces itself on the network as a P1 meter. Nobody vouches for it but its certificate. */
export interface FoundMeter {
  /** Small letters. */
  readonly serial: string
  readonly name: string
  readonly host: string
  readonly port: number
  /** Why it is no meter that can be used; part of a sentence. */
  readonly problem: Option.Option<string>
}

/** Meters on the local network. */
export class MeterDiscovery extends Context.Tag("domain/MeterDiscovery")<
  MeterDiscovery,
  {
    /** Those that answer within a time; none where the network carries no multicast. */
    readonly find: (within: Duration.DurationInput) => Effect.Effect<ReadonlyArray<FoundMeter>>
  }
>() {}
