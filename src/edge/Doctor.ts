import { HttpClient, HttpClientRequest } from "@effect/platform"
import { DateTime, Duration, Effect, Either, Option, Redacted } from "effect"
import { parseToken } from "../domain/index.ts"
import { Meter, Spool } from "../domain/ports/index.ts"
import type { Check } from "../infra/process/index.ts"
import type { ServerOptions } from "./IngestClient.ts"
import type { StatusReport } from "./StatusReport.ts"
import { lasting } from "./StatusText.ts"
import { describeTransport } from "./TransportFailure.ts"
import { failureOfStatus, instantOfHttpDate } from "./UploadFailed.ts"

const failed = (message: string) => Effect.fail({ message })

/** The spool, when an edge that runs holds it, is open to nobody else: that is as good as opening it. */
export const unlessHeld = <R>(check: Check<R>, running: Option.Option<StatusReport>): Check<R> =>
  Option.match(running, {
    onNone: () => check,
    onSome: ({ pid, spool: { waiting } }) => ({
      name: check.name,
      run: Effect.succeed(`held by the edge that runs (process ${pid}); ${waiting} samples wait`),
    }),
  })

/** What the edge says of itself where it runs. */
export const edgeCheck = ({
  bad_readings,
  last_sample_ts,
  meter_error,
  missed,
  taken,
}: StatusReport): Check<never> => ({
  name: "edge",
  run:
    meter_error === null
      ? Effect.succeed(
          `runs: ${taken} samples taken, ${missed} missed, ${bad_readings} readings unusable, the last sample of ${last_sample_ts === null ? "never" : DateTime.formatIso(last_sample_ts)}`,
        )
      : failed(meter_error),
})

/** Opening has read `synchronous` back; a write that returns is on the disk. */
export const spoolCheck: Check<Spool> = {
  name: "spool",
  run: Effect.gen(function* () {
    const spool = yield* Spool
    const took = yield* Effect.timed(spool.check)
    const { quarantined, waiting } = yield* spool.status
    const ms = Math.ceil(Duration.toMillis(took[0]))
    return `locked for this process; a write is on the disk in ${ms} ms; ${waiting} samples wait, ${quarantined} in quarantine`
  }),
}

/** The token's own checksum finds a slip of the pen without asking anybody. */
export const tokenCheck = (token: ServerOptions["token"]): Check<never> => ({
  name: "token",
  run: Effect.flatMap(token, (text) =>
    Option.match(parseToken(text), {
      onNone: () => failed("VPS_DEVICE_TOKEN is no token of this server: copy it again from p1-api devices add."),
      onSome: ({ kind, tokenId }) =>
        kind === "device"
          ? Effect.succeed(`a device token, ${tokenId}`)
          : failed("VPS_DEVICE_TOKEN is a token for reading: give the one that p1-api devices add printed."),
    }),
  ),
})

const clockSkew = (serverTime: Option.Option<DateTime.Utc>, now: DateTime.Utc): Either.Either<string, string> =>
  Option.match(serverTime, {
    onNone: () => Either.right("it does not say the time"),
    onSome: (time) => {
      const offsetS = (now.epochMillis - time.epochMillis) / 1000
      const said = `this machine's clock is ${lasting(Math.abs(offsetS))} ${offsetS > 0 ? "ahead of" : "behind"} it`
      return Math.abs(offsetS) <= 5 ? Either.right(said) : Either.left(`${said}: set the clock, by NTP for one.`)
    },
  })

/** Asks the server to store nothing: who has been let in is told that nothing is too little. */
export const serverCheck = ({ token, url }: ServerOptions): Check<HttpClient.HttpClient> => ({
  name: "server",
  run: Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const request = HttpClientRequest.post(`${url}/v1/ingest`).pipe(
      HttpClientRequest.bearerToken(Redacted.value(yield* token)),
      HttpClientRequest.bodyUnsafeJson({ samples: [] }),
    )
    const response = yield* client.execute(request).pipe(
      Effect.mapError(({ cause }) => ({ message: `${describeTransport(cause)}.` })),
      Effect.timeoutFail({ duration: "10 seconds", onTimeout: () => ({ message: "The server does not answer." }) }),
    )
    if (response.status !== 422) return yield* failureOfStatus(response.status, Option.none(), Option.none())
    const date = Option.flatMap(Option.fromNullable(response.headers["date"]), instantOfHttpDate)
    const skew = yield* Either.mapLeft(clockSkew(date, yield* DateTime.now), (message) => ({ message }))
    return `reached at ${url}, takes the token; ${skew}`
  }).pipe(Effect.scoped),
})

/** All that can be asked of a meter by API v1, which proves nothing and pushes nothing. */
export const meterCheck: Check<Meter> = {
  name: "meter",
  run: Effect.gen(function* () {
    const meter = yield* Meter
    const { firmwareVersion, productType, serial } = yield* meter.device
    const { powerW } = yield* meter.measurement
    return `${productType} ${serial}, firmware ${firmwareVersion}, says ${powerW ?? "no"} W`
  }),
}
