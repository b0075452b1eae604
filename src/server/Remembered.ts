import { Context, Effect, Layer } from "effect"
import type { DeviceId, TokenRecord } from "../domain/index.ts"

/** Who a header was found to be. */
export interface Reader {
  readonly tokenId: string
  readonly deviceIds: ReadonlyArray<DeviceId>
}

/** How long a header is not looked at again; with that of `Lookups` less than the 5 s a revoked token may work. */
const keptMs = 1_000
/** How much longer for the others while the first one that comes after it is looked at. */
const renewedWithinMs = 250
const capacity = 10_000

interface Entry extends Reader {
  readonly notedMs: number
  renewing: boolean
}

/** The Authorization headers of readers that were found good a moment ago. */
export class Remembered extends Context.Tag("server/Remembered")<
  Remembered,
  {
    readonly note: (header: string, record: TokenRecord, nowMs: number) => void
    /** Who was refused is nobody at once, not only after the time of grace. */
    readonly forget: (header: string) => void
    /** Nobody, too, for one request when it is time to look again. */
    readonly find: (header: string, nowMs: number) => Reader | undefined
  }
>() {}

export const layer: Layer.Layer<Remembered> = Layer.effect(
  Remembered,
  Effect.sync(() => {
    const entries = new Map<string, Entry>()
    return Remembered.of({
      note: (header, { deviceIds, tokenId }, nowMs) => {
        if (entries.size >= capacity) entries.clear()
        entries.set(header, { tokenId, deviceIds, notedMs: nowMs, renewing: false })
      },
      forget: (header) => void entries.delete(header),
      find: (header, nowMs) => {
        const entry = entries.get(header)
        const forMs = nowMs - (entry?.notedMs ?? -Infinity)
        if (entry === undefined || forMs < keptMs) return entry
        if (forMs < keptMs + renewedWithinMs && entry.renewing) return entry
        if (entry.renewing) entries.delete(header)
        else entry.renewing = true
        return undefined
      },
    })
  }),
)
