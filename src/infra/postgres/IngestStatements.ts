import type { SqlClient, SqlError } from "@effect/sql"
import { Array as Arr, Effect, Option, Order, Predicate, Schema } from "effect"
import type {
  DeviceId,
  MeterInfo,
  QuarterHour,
  Range,
  ReportedPeak,
  Sample,
  SeenReading,
  Tail,
} from "../../domain/index.ts"
import { arraysOf, type Column, isoOf, objectsOf } from "./Columns.ts"
import { decodeFacts, Facts, quarterColumns } from "./QuarterHourRows.ts"
import { peakColumns } from "./PeakRows.ts"
import { meterColumns, readingColumns, sampleColumns } from "./SampleRows.ts"

/** What is stored beside a batch's samples. */
export interface Derived {
  readonly quarterHours: ReadonlyArray<QuarterHour>
  readonly readings: ReadonlyArray<SeenReading>
  readonly peaks: ReadonlyArray<ReportedPeak>
}

type Owned<Row> = ReadonlyArray<readonly [DeviceId, ReadonlyArray<Row>]>

/** Rows of several devices as one JSON list; null where there are none. */
const listOf = <Row>(columns: ReadonlyArray<Column<Row>>, owned: Owned<Row>): string | null => {
  const objects = owned.flatMap(([deviceId, rows]) => objectsOf(columns, deviceId, rows))
  return objects.length === 0 ? null : JSON.stringify(objects)
}

const listsOf = (derived: ReadonlyArray<readonly [DeviceId, Derived]>): ReadonlyArray<string | null> => {
  const of = <Row>(columns: ReadonlyArray<Column<Row>>, rows: (one: Derived) => ReadonlyArray<Row>) =>
    listOf(
      columns,
      derived.map(([deviceId, one]) => [deviceId, rows(one)] as const),
    )
  return [
    of(quarterColumns, ({ quarterHours }) => quarterHours),
    of(readingColumns, ({ readings }) => readings),
    of(peakColumns, ({ peaks }) => peaks),
  ]
}

const parameters = (first: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `$${first + i}`).join(", ")

const places = Schema.transform(Schema.Array(Schema.Number), Schema.ReadonlySetFromSelf(Schema.Number), {
  strict: true,
  decode: (list) => new Set(list),
  encode: (set) => [...set],
})

const TakenRow = Schema.Tuple(
  Schema.Struct({
    taken: Schema.NullOr(
      Schema.Struct({
        zone: Schema.String,
        revision: Schema.Number,
        inserted: Schema.Number,
        conflicts: places,
        expired: places,
        newMeter: Schema.Boolean,
        facts: Schema.Array(Facts),
      }),
    ),
  }),
)
const decodeTaken = Schema.decodeUnknownSync(TakenRow)

const selectTake = `select p1_take(${parameters(1, 2 + sampleColumns.length)}) as taken`

/** What became of a batch's samples, by their places, and the facts of the quarter-hours that changed. */
export interface Taken {
  readonly zone: string
  /** Before this batch. */
  readonly revision: number
  readonly inserted: number
  readonly conflicts: ReadonlySet<number>
  readonly expired: ReadonlySet<number>
  readonly newMeter: boolean
  readonly facts: ReadonlyArray<Tail>
}

/** Stores samples, in order of time, whose keys are new, and what the meter says of itself; none of an unknown device. */
export const take = (
  sql: SqlClient.SqlClient,
  deviceId: DeviceId,
  samples: ReadonlyArray<Sample>,
  meter: MeterInfo | null,
) =>
  Effect.map(
    sql.unsafe(selectTake, [
      deviceId,
      ...arraysOf(sampleColumns, samples),
      listOf(meterColumns, [[deviceId, meter === null ? [] : [meter]]]),
    ]),
    (rows): Option.Option<Taken> => {
      const [{ taken }] = decodeTaken(rows)
      return Option.map(Option.fromNullable(taken), (known) => ({
        ...known,
        facts: known.facts.map((row) => ({ facts: decodeFacts(row), lastPowerW: row.last_power_w })),
      }))
    },
  )

const decodeRevisions = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ device_id: Schema.String, revision: Schema.Number })),
)
const revisionsOf = (rows: ReadonlyArray<unknown>): ReadonlyMap<DeviceId, number> =>
  new Map(decodeRevisions(rows).map(({ device_id, revision }) => [device_id, revision]))

const selectKeep = `select * from p1_keep(${parameters(1, 6)})`

/** Whether a batch changed no quarter-hour but the newest, nor what is known of the meter. */
const onlyAdded = ({ facts, newMeter }: Taken): boolean =>
  !newMeter && facts.length === 1 && facts.every(({ facts: { after } }) => after === null)

/** Stores what was decided about a batch in its transaction; gives the device's revision. */
export const keep = (sql: SqlClient.SqlClient, deviceId: DeviceId, taken: Taken, derived: Derived) =>
  Effect.map(
    sql.unsafe(selectKeep, [
      [deviceId],
      taken.inserted > 0 || taken.newMeter ? [deviceId] : [],
      ...listsOf([[deviceId, derived]]),
      onlyAdded(taken) ? [deviceId] : [],
    ]),
    (rows) => revisionsOf(rows).get(deviceId) ?? 0,
  )

/** Samples in order of time, newer than all others of their device, and what was decided about them. */
export interface AppendJob {
  readonly deviceId: DeviceId
  /** The revision and the zone that it was decided for. */
  readonly revision: number
  readonly zone: string
  readonly samples: ReadonlyArray<Sample>
  readonly derived: Derived
}

const byDevice = Order.mapInput(Order.string, ({ deviceId }: AppendJob) => deviceId)
const edgeOf = (sample: Sample | undefined) => isoOf(sample?.ts.epochMillis ?? 0)
const selectAppend = `select * from p1_append(${parameters(1, 6 + sampleColumns.length + 3)})`

const notNewer = (error: SqlError.SqlError): boolean =>
  Predicate.hasProperty(error.cause, "code") && error.cause.code === "P1001"

/** Stores jobs of different devices in one statement; gives the new revisions of those that were as expected. */
export const append = (sql: SqlClient.SqlClient, jobs: ReadonlyArray<AppendJob>) => {
  const sorted = Arr.sort(jobs, byDevice)
  return sql
    .unsafe(selectAppend, [
      sorted.map(({ deviceId }) => deviceId),
      sorted.map(({ revision }) => revision),
      sorted.map(({ zone }) => zone),
      sorted.map(({ samples }) => edgeOf(samples[0])),
      sorted.map(({ samples }) => edgeOf(samples.at(-1))),
      sorted.flatMap(({ deviceId, samples }) => samples.map(() => deviceId)),
      ...arraysOf(
        sampleColumns,
        sorted.flatMap(({ samples }) => samples),
      ),
      ...listsOf(sorted.map(({ deviceId, derived }) => [deviceId, derived])),
    ])
    .pipe(
      Effect.map(revisionsOf),
      Effect.catchIf(notNewer, () => Effect.succeed(revisionsOf([]))),
    )
}

const decodeChanged = Schema.decodeUnknownSync(Schema.Tuple(Schema.Struct({ changed: Schema.Number })))

/** Makes the quarter-hours of a range those given, in a transaction that holds the device; gives how many changed. */
export const replace = (
  sql: SqlClient.SqlClient,
  deviceId: DeviceId,
  { fromMs, toMs }: Range,
  quarterHours: ReadonlyArray<QuarterHour>,
) =>
  Effect.map(
    sql.unsafe("select p1_replace($1, $2, $3, $4) as changed", [
      deviceId,
      isoOf(fromMs),
      isoOf(toMs),
      JSON.stringify(objectsOf(quarterColumns, deviceId, quarterHours)),
    ]),
    (rows) => decodeChanged(rows)[0].changed,
  )
