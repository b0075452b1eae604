import { Schema } from "effect"

/** The ways in which a meter misbehaves; every one of them was met in the field. */
export const Switches = Schema.Struct({
  /**
   * `half-open`: open connections go dead without a word and new ones are never answered. `reset`: open connections
   * are reset and so are new ones.
   */
  network: Schema.Literal("well", "half-open", "reset"),
  /** How much later everything is said, milliseconds. */
  delayMs: Schema.Int.pipe(Schema.between(0, 600_000)),
  /** `garbage`: JSON that ends half-way. `internal-error`: status 500 for every request. */
  body: Schema.Literal("whole", "garbage", "internal-error"),
  /**
   * `changed`: the right name, the right authority, another key. `stranger`: the right name from another authority.
   * `another-product`: the right authority, the name of an energy socket.
   */
  certificate: Schema.Literal("own", "changed", "stranger", "another-product"),
  /**
   * `lost`: the last telegram stays for ever, and is given again on each new connection. `never-seen`: there was no
   * telegram yet.
   */
  smartMeter: Schema.Literal("well", "lost", "never-seen"),
  /** Added to the import registers, watt-hours. */
  importOffsetWh: Schema.Int,
  /** Added to the clock of the smart meter: 3600 is a meter that does not know summer. */
  clockOffsetS: Schema.Int,
  /** The Belgian peaks and the running mean; `absent` as without the grid company's mandate. */
  peaks: Schema.Literal("given", "absent", "null"),
  /** `replaced`: another smart meter, whose registers begin at zero when it is put in. */
  meter: Schema.Literal("own", "replaced"),
  /** `corrupt`: a bit of the raw telegram is wrong, its checksum says so. */
  telegram: Schema.Literal("intact", "corrupt"),
  /** Something that poses as a meter: it lets everybody in and has an answer to everything. */
  impostor: Schema.Boolean,
  /** `broken`: one more entry among the sub-meters, which cannot be read. */
  subMeters: Schema.Literal("well", "broken"),
})
export type Switches = typeof Switches.Type

/** A meter that behaves. */
export const peace: Switches = {
  network: "well",
  delayMs: 0,
  body: "whole",
  certificate: "own",
  smartMeter: "well",
  importOffsetWh: 0,
  clockOffsetS: 0,
  peaks: "given",
  meter: "own",
  telegram: "intact",
  impostor: false,
  subMeters: "well",
}
