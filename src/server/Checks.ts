import { statfs } from "node:fs/promises"
import { HttpClient } from "@effect/platform"
import { DateTime, Duration, Effect, Option } from "effect"
import type { DeviceId } from "../domain/index.ts"
import { RealtimeCache, Registry, Store, StoreAdmin } from "../domain/ports/index.ts"
import type { Check } from "../infra/process/index.ts"
import { PublicName } from "../infra/public-name/index.ts"
import { sizeOf } from "./commands/DbStatus.ts"

const clockMayBeOff = Duration.seconds(5)
const failed = (message: string) => Effect.fail({ message })
const lasting = (duration: Duration.Duration) =>
  Duration.format(Duration.seconds(Math.max(1, Math.round(Duration.toSeconds(duration)))))

export const databaseCheck: Check<Store> = {
  name: "database",
  run: Effect.flatMap(Store, (store) => Effect.as(store.check, `${store.description}, its schema up to date`)),
}

/** Late ranges that a maintenance at work never lets come together. */
const manyLate = 1_000

/** What the database says of its own upkeep, its size and its clock. */
export const upkeepCheck: Check<StoreAdmin> = {
  name: "upkeep",
  run: Effect.gen(function* () {
    const { clock, databaseBytes, jobs, lateRanges, samples } = yield* Effect.flatMap(
      StoreAdmin,
      ({ status }) => status,
    )
    const off = DateTime.distanceDuration(clock, yield* DateTime.now)
    if (Duration.greaterThan(off, clockMayBeOff)) {
      return yield* failed(`The clock of PostgreSQL is ${lasting(off)} off from this one: set both by NTP.`)
    }
    const idle = jobs.filter(({ lastBegan }) => lastBegan === null)
    if (lateRanges > manyLate) {
      return yield* failed(
        `${lateRanges} ranges of late samples wait for their curves: see that p1-api maintain runs, or a server with MAINTENANCE=on.`,
      )
    }
    const said = [`${sizeOf(databaseBytes)} in all, ${sizeOf(samples.bytes)} of samples`]
    if (jobs.length > 0) said.push(`${jobs.length} policies, ${idle.length} of them not begun yet`)
    if (lateRanges > 0) said.push(`${lateRanges} late ranges wait`)
    return said.join("; ")
  }),
}

/** Less than this is a few weeks of a house. */
const leastFreeBytes = 1e9

/** The disk of a database of one's own. */
export const diskCheck = (folder: string): Check<never> => ({
  name: "disk",
  run: Effect.tryPromise({
    try: () => statfs(folder),
    catch: () => ({ message: `${folder} cannot be looked at: see that DATA_DIR is there and may be read.` }),
  }).pipe(
    Effect.flatMap(({ bavail, bsize }) => {
      const said = `${sizeOf(bavail * bsize)} are free in ${folder}`
      return bavail * bsize < leastFreeBytes ? failed(`Only ${said}: make room.`) : Effect.succeed(said)
    }),
  ),
})

export const cacheCheck: Check<RealtimeCache> = {
  name: "cache",
  run: Effect.flatMap(RealtimeCache, ({ check, description }) =>
    check.pipe(
      Effect.as(description),
      Effect.mapError((reason) => ({
        message: `${description} (${reason}): start it, or correct REDIS_URL; until then PostgreSQL answers.`,
      })),
    ),
  ),
}

const isActive = ({ revokedAt }: { readonly revokedAt: unknown }) => revokedAt === null

/** Each device has a token that writes it, and one that reads it. */
export const tokensCheck: Check<Registry> = {
  name: "tokens",
  run: Effect.gen(function* () {
    const registry = yield* Registry
    const devices = yield* registry.devices
    if (devices.length === 0) return yield* failed("No device is registered: p1-api devices add NAME.")
    const active = (yield* registry.tokens).filter(isActive)
    const without = (kind: "device" | "read") =>
      devices.find(({ deviceId }) => !active.some((token) => token.kind === kind && token.deviceIds.includes(deviceId)))
    const mute = without("device")
    if (mute)
      return yield* failed(
        `Nothing can write ${mute.deviceId}: p1-api tokens rotate makes a new token from an old one of its.`,
      )
    const unread = without("read")
    if (unread) return yield* failed(`Nobody can read ${unread.deviceId}: p1-api tokens add --read ${unread.deviceId}.`)
    return `${active.length} active, for ${devices.length} ${devices.length === 1 ? "device" : "devices"}`
  }),
}

/** A meter gives a sample a second; one that has given none for this long is away, or its edge is. */
const silentAfter = Duration.minutes(10)

const silence = (deviceId: DeviceId) =>
  Effect.gen(function* () {
    const { latest } = yield* Store
    const now = yield* DateTime.now
    const newest = yield* latest(deviceId, now)
    return { deviceId, for: Option.map(newest, ({ sample }) => DateTime.distanceDuration(sample.ts, now)) }
  })

export const devicesCheck: Check<Registry | Store> = {
  name: "devices",
  run: Effect.gen(function* () {
    const devices = yield* Effect.flatMap(Registry, (registry) => registry.devices)
    const silences = yield* Effect.forEach(devices, ({ deviceId }) => silence(deviceId))
    const words = silences.map((each) =>
      Option.match(each.for, {
        onNone: () => `${each.deviceId} has sent nothing yet`,
        onSome: (duration) => `${each.deviceId} was heard ${lasting(duration)} ago`,
      }),
    )
    const silent = silences.some((each) => Option.exists(each.for, Duration.greaterThan(silentAfter)))
    const said = words.join("; ") || "none yet"
    return silent ? yield* failed(`${said}: run p1-edge doctor where the silent one is.`) : said
  }),
}

const patience = "10 seconds"
/** Caddy renews when a third of a certificate's time is left; with less than this of it left, it could not. */
const renewedByThen = 0.2
/** What anybody meets who asks for the server by its name: a certificate that is good for long enough, and this server. */
export const publicNameCheck = (url: URL): Check<HttpClient.HttpClient> => ({
  name: "public name",
  run: Effect.gen(function* () {
    const { from, until } = yield* PublicName.validity(url, patience)
    const client = yield* HttpClient.HttpClient
    const { headers, status } = yield* client.get(new URL("/health/ready", url)).pipe(
      Effect.timeout(patience),
      Effect.mapError(() => ({ message: `${url.host} answers no request: see Caddy's log.` })),
    )
    if (status !== 200) return yield* failed(`${url.host} answers ${status}: see whether Caddy reaches the API.`)
    const now = yield* DateTime.now
    const leftMs = DateTime.distance(now, until)
    const said = `${url.host} answers, its certificate is valid for ${lasting(Duration.millis(leftMs))}`
    if (leftMs < renewedByThen * DateTime.distance(from, until)) {
      return yield* failed(`${said} only: it should have been renewed, see Caddy's log.`)
    }
    const date = Option.flatMap(Option.fromNullable(headers["date"]), DateTime.make)
    const off = Option.map(date, (theirs) => DateTime.distanceDuration(theirs, now))
    return Option.exists(off, Duration.greaterThan(clockMayBeOff))
      ? yield* failed(`The clock behind ${url.host} is not this one: set both by NTP.`)
      : said
  }).pipe(Effect.scoped),
})
