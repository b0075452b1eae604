import { Array as Arr, type DateTime, Effect, Either, Order, type ParseResult, Predicate } from "effect"
import {
  earliestMs,
  type Rejection,
  type RejectionCode,
  readSample,
  type Sample,
  storedPowerW,
} from "../domain/index.ts"
import { fieldErrors } from "./FieldErrors.ts"

const futureMs = 10 * 60_000

export interface Sorted {
  readonly samples: ReadonlyArray<Sample>
  /** The row that each sample was, from 0. */
  readonly places: ReadonlyArray<number>
  readonly rejected: ReadonlyArray<Rejection>
}

type Refused = readonly [code: RejectionCode, message: string]

const checkTs = ({ ts }: Sample, nowMs: number): Refused | undefined => {
  if (ts.epochMillis > nowMs + futureMs) return ["future", "ts: more than 10 minutes ahead of the server's clock"]
  if (ts.epochMillis < earliestMs) return ["before_2020", "ts: before 2020-01-01"]
  return undefined
}

const invalid = (error: ParseResult.ParseError): Refused => {
  const [first] = fieldErrors(error)
  return ["invalid", first === undefined || first.path === "" ? "not a sample" : `${first.path}: ${first.message}`]
}

const sortSlice = (rows: ReadonlyArray<unknown>, from: number, nowMs: number): Sorted => {
  const samples: Array<Sample> = []
  const places: Array<number> = []
  const rejected: Array<Rejection> = []
  rows.forEach((row, i) => {
    const sample = Either.mapLeft(readSample(row), invalid)
    const refused = Either.isLeft(sample) ? sample.left : checkTs(sample.right, nowMs)
    if (refused !== undefined) rejected.push({ index: from + i, code: refused[0], message: refused[1] })
    else if (Either.isRight(sample)) {
      samples.push({ ...sample.right, powerW: storedPowerW(sample.right.powerW) })
      places.push(from + i)
    }
  })
  return { samples, places, rejected }
}

const sliceLength = 250
/** Other requests get their turn between the slices of a large batch. */
const pause = Effect.async((resume: (effect: Effect.Effect<void>) => void) => {
  setImmediate(() => resume(Effect.void))
})

/** Decodes rows one by one, so that a bad one is refused by itself. */
export const sortRows = (rows: ReadonlyArray<unknown>, now: DateTime.Utc): Effect.Effect<Sorted> =>
  Effect.forEach(Arr.chunksOf(rows, sliceLength), (slice, i) =>
    Effect.zipLeft(
      Effect.sync(() => sortSlice(slice, i * sliceLength, now.epochMillis)),
      pause,
    ),
  ).pipe(
    Effect.map((slices) => ({
      samples: slices.flatMap(({ samples }) => samples),
      places: slices.flatMap(({ places }) => places),
      rejected: slices.flatMap(({ rejected }) => rejected),
    })),
  )

/** The rejections of samples, by their places, that the store no longer takes, among those that were refused before. */
export const withExpired = (
  { places, rejected }: Pick<Sorted, "places" | "rejected">,
  expired: ReadonlyArray<number>,
): ReadonlyArray<Rejection> =>
  Arr.sortWith(
    [
      ...rejected,
      ...expired.map((place): Rejection => ({
        index: places[place] ?? place,
        code: "before_retention",
        message: "ts: older than what is kept of raw samples",
      })),
    ],
    ({ index }) => index,
    Order.number,
  )

/** Whether a body or a row names another device than the token's. */
export const namesOther = (value: unknown, deviceId: string): boolean => {
  if (!Predicate.isRecord(value)) return false
  const named = value["device_id"] ?? null
  return named !== null && named !== deviceId
}
