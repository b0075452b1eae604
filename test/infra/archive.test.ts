import { describe, expect, it } from "@effect/vitest"
import { Chunk, Context, Effect, Layer, Ref, Stream } from "effect"
import type { DeviceId } from "../../src/domain/index.ts"
import { Archive, type Registry, Store } from "../../src/domain/ports/index.ts"
import { PostgresArchive, PostgresStore } from "../../src/infra/postgres/index.ts"
import { freshDatabase } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { baseMs, batchOf, fullSample, meterAt, sampleAt } from "../support/Samples.ts"
import { always, everySecond, newDevice } from "../support/Stores.ts"

/** A fresh database with a store and an archive above it. */
const side = Effect.gen(function* () {
  const url = yield* freshDatabase
  const context = yield* Layer.build(Layer.merge(PostgresStore.layer({ url }), PostgresArchive.layer({ url })))
  const given = <A, E>(effect: Effect.Effect<A, E, Store | Registry>) => Effect.provide(effect, context)
  return { url, given, store: Context.get(context, Store), archive: Context.get(context, Archive) }
})

const seconds = 20_000

const filled = Effect.gen(function* () {
  const from = yield* side
  const house = yield* from.given(newDevice)
  const neighbour = yield* from.given(newDevice)
  yield* from.store.ingest(house, {
    ...batchOf([fullSample(baseMs - 5000)]),
    meter: meterAt(baseMs, { model: 'a\tb\\c\n"d"' }),
    meteredPeaks: [{ month: "2026-02", peakW: 4200, peakTs: null }],
  })
  yield* from.store.ingest(house, batchOf(everySecond(baseMs, seconds)))
  yield* from.store.ingest(neighbour, batchOf([sampleAt(baseMs, { powerW: -7 })]))
  return { ...from, house, neighbour }
})

const bytesOf = (archive: typeof Archive.Service) =>
  Effect.map(Stream.runCollect(archive.backup), (chunks) => Buffer.concat(Chunk.toReadonlyArray(chunks)))

const pieces = (bytes: Buffer): Stream.Stream<Uint8Array> =>
  Stream.fromIterable(Array.from({ length: Math.ceil(bytes.length / 65_537) }, (_, i) => i)).pipe(
    Stream.map((i) => bytes.subarray(i * 65_537, (i + 1) * 65_537)),
  )

const answers = (store: typeof Store.Service, deviceId: DeviceId) =>
  Effect.all([
    store.samples(deviceId, always),
    store.quarterHours(deviceId, always),
    store.meterChanges(deviceId),
    store.reportedPeak(deviceId, "2026-02"),
    store.extent(deviceId),
  ])

const silently = () => Effect.void

describe("backup and restore", () => {
  it.scopedLive("give a fresh database the same answers, row for row", () =>
    Effect.gen(function* () {
      const from = yield* filled
      const to = yield* side
      const rows = yield* to.archive.restore(from.archive.backup, silently)
      expect(rows).toMatchObject({ p1_devices: 2, p1_samples: seconds + 2, p1_metered_peaks: 2, p1_meter_changes: 1 })
      for (const deviceId of [from.house, from.neighbour]) {
        expect(yield* answers(to.store, deviceId)).toEqual(yield* answers(from.store, deviceId))
      }
      const next = batchOf(everySecond(baseMs + seconds * 1000, 60))
      expect(yield* to.store.ingest(from.house, next)).toEqual(yield* from.store.ingest(from.house, next))
    }),
  )

  it.scopedLive("see one moment, whatever is stored while the backup is written", () =>
    Effect.gen(function* () {
      const from = yield* filled
      const to = yield* side
      const begun = yield* Ref.make(false)
      const meanwhile = Effect.unlessEffect(
        from.store.ingest(from.neighbour, batchOf([sampleAt(baseMs + 1000)])),
        Ref.getAndSet(begun, true),
      )
      const rows = yield* to.archive.restore(
        Stream.tap(from.archive.backup, () => Effect.orDie(meanwhile)),
        silently,
      )
      expect(rows["p1_samples"]).toBe(seconds + 2)
      expect(yield* to.store.samples(from.neighbour, always)).toHaveLength(1)
    }),
  )

  it.scopedLive("go on where a broken attempt ended", () =>
    Effect.gen(function* () {
      const from = yield* filled
      const to = yield* side
      const whole = yield* bytesOf(from.archive)
      const broken = yield* Effect.flip(to.archive.restore(pieces(whole.subarray(0, whole.length * 0.8)), silently))
      expect(broken.message).toContain("it was cut off")
      const first = yield* Ref.make<ReadonlyArray<string>>([])
      yield* to.archive.restore(pieces(whole), ({ table, rows }) =>
        Ref.update(first, (all) => [...all, `${table} ${rows}`]),
      )
      expect(yield* Ref.get(first)).not.toContain("p1_devices 2")
      expect(yield* answers(to.store, from.house)).toEqual(yield* answers(from.store, from.house))
    }),
  )

  it.scopedLive("leave alone what is not fresh, and say what to do", () =>
    Effect.gen(function* () {
      const from = yield* filled
      const mine = yield* answers(from.store, from.house)
      const used = yield* Effect.flip(from.archive.restore(from.archive.backup, silently))
      expect(used.message).toContain("already holds devices")
      expect(yield* answers(from.store, from.house)).toEqual(mine)

      const to = yield* side
      const whole = yield* bytesOf(from.archive)
      yield* Effect.flip(to.archive.restore(pieces(whole.subarray(0, whole.length / 2)), silently))
      const other = yield* Effect.flip(to.archive.restore(from.archive.backup, silently))
      expect(other.message).toContain("Another backup was restored here half-way")
    }),
  )

  it.scopedLive("refuse what is no backup, is of a newer version, or does not add up", () =>
    Effect.gen(function* () {
      const from = yield* filled
      const whole = (yield* bytesOf(from.archive)).toString("latin1")
      const refusal = (text: string) =>
        Effect.gen(function* () {
          const to = yield* side
          return (yield* Effect.flip(to.archive.restore(pieces(Buffer.from(text, "latin1")), silently))).message
        })
      expect(yield* refusal("-- PostgreSQL database dump\n")).toContain("no backup of p1-energy")
      expect(yield* refusal(whole.replace('"migrations":[', '"migrations":[9999,'))).toContain("newer version")
      expect(yield* refusal(whole.replace('"power_w"', '"power_mw"'))).toContain("p1_samples.power_mw")
      expect(yield* refusal(whole.replace(`"p1_samples":${seconds + 2}`, '"p1_samples":7'))).toContain("the backup 7")
    }),
  )

  it.scopedLive("say that PostgreSQL is away", () =>
    Effect.gen(function* () {
      const { archive, url } = yield* side
      yield* runSql(url, "drop table p1_migrations cascade")
      expect((yield* Effect.flip(Stream.runDrain(archive.backup))).message).toContain("PostgreSQL: ")
    }),
  )
})
