import { Effect, Layer, Option, Stream } from "effect"
import type { DeviceId } from "../../domain/index.ts"
import { RealtimeCache, type RealtimeDocument } from "../../domain/ports/index.ts"
import { RedisConnection } from "./Connection.ts"
import { makeChannels } from "./Channels.ts"

const keptMs = 2_000
/** The mark outlives the document, so that a late writer cannot put an older one in the place of an expired one. */
const markKeptMs = 60_000

/**
 * Keeps a document when the mark is of the epoch that its writer knew before it read the store, and announces it when
 * its revision is new. KEYS: mark, document. ARGV: known epoch, revision, document, ms for each, channel.
 */
const fillScript = `
local mark = redis.pcall('GET', KEYS[1])
local epoch, there
if type(mark) == 'string' then epoch, there = string.match(mark, '^(%w+):(%d+)$') end
local revision = tonumber(ARGV[2])
if epoch ~= ARGV[1] or tonumber(there) > revision then return 0 end
redis.call('SET', KEYS[1], epoch .. ':' .. ARGV[2], 'PX', ARGV[4])
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[5])
if revision > tonumber(there) then redis.call('PUBLISH', ARGV[6], ARGV[3]) end
return 1`

/** Begins an epoch where there is none, and gives the mark. KEYS: mark. ARGV: a new epoch, ms. */
const beginScript = `
local mark = redis.pcall('GET', KEYS[1])
if type(mark) == 'string' then return mark end
mark = ARGV[1] .. ':0'
redis.call('SET', KEYS[1], mark, 'PX', ARGV[2])
return mark`

/** What this version writes; another version of the document has other keys. */
const keyOf = (deviceId: DeviceId): string => `p1:realtime:1:{${deviceId}}`
const markOf = (deviceId: DeviceId): string => `${keyOf(deviceId)}:mark`
const epochIn = (mark: unknown): string | undefined =>
  typeof mark === "string" ? mark.slice(0, mark.lastIndexOf(":")) : undefined

const format = ({ json, revision, tsMs }: RealtimeDocument): string => `${revision} ${tsMs} ${json}`
const shape = /^(\d{1,15}) (\d{1,15}) (\{.*\})$/

/** What cannot be read is as if it were not there. */
const parse = (text: string | null | undefined): Option.Option<RealtimeDocument> =>
  Option.map(Option.fromNullable(shape.exec(text ?? "")), ([, revision, tsMs, json]) => ({
    revision: Number(revision),
    tsMs: Number(tsMs),
    json: json ?? "",
  }))

const make = Effect.gen(function* () {
  const connection = yield* RedisConnection
  const { use } = connection
  const channels = yield* makeChannels(connection.subscriber)
  /** The epoch of each device's mark as this process last saw it. */
  const epochs = new Map<DeviceId, string>()
  const see = (deviceId: DeviceId, mark: unknown): string | undefined => {
    const epoch = epochIn(mark)
    if (epoch === undefined) epochs.delete(deviceId)
    else epochs.set(deviceId, epoch)
    return epoch
  }

  const begin = (deviceId: DeviceId) =>
    Effect.suspend(() => {
      const known = epochs.get(deviceId)
      if (known !== undefined) return Effect.succeedSome(known)
      return Effect.map(
        use((redis) =>
          redis.eval(beginScript, 1, markOf(deviceId), crypto.randomUUID().replaceAll("-", ""), markKeptMs),
        ),
        Option.flatMapNullable((mark) => see(deviceId, mark)),
      )
    })

  const put = (deviceId: DeviceId, epoch: string, document: RealtimeDocument) =>
    use(async (redis) => {
      const args = [epoch, document.revision, format(document), markKeptMs, keptMs, keyOf(deviceId)]
      const kept = await redis.eval(fillScript, 2, markOf(deviceId), keyOf(deviceId), ...args)
      if (kept !== 1) epochs.delete(deviceId)
    })

  return RealtimeCache.of({
    get: (deviceId) =>
      use((redis) => redis.mget(keyOf(deviceId), markOf(deviceId))).pipe(
        Effect.map(
          Option.flatMap(([text, mark]) => {
            see(deviceId, mark)
            return parse(text)
          }),
        ),
      ),
    fill: (deviceId, build) =>
      Effect.flatMap(begin(deviceId), (epoch) =>
        Effect.tap(build, (document) =>
          Option.match(Option.all([epoch, document]), {
            onNone: () => Effect.void,
            onSome: ([known, built]) => put(deviceId, known, built),
          }),
        ),
      ),
    updates: (deviceId) => Stream.filterMap(channels(keyOf(deviceId)), parse),
    check: connection.check,
    get description() {
      return connection.description
    },
  })
})

/** The latest documents in Redis, shared by every server process. Redis slow, down or full is as if it held nothing. */
export const layer: Layer.Layer<RealtimeCache, never, RedisConnection> = Layer.scoped(RealtimeCache, make)
