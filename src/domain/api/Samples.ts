import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Predicate, Schema } from "effect"
import { Moment } from "../Calendar.ts"
import { ReadAuthorization } from "./Authorization.ts"
import { Problems } from "./Problem.ts"
import { device } from "./Reading.ts"

export const ndjson = "application/x-ndjson"

/** CSV beside the lines of JSON, for who accepts it. */
const orCsv = (operation: Record<string, unknown>): Record<string, unknown> => {
  const responses = Predicate.isRecord(operation["responses"]) ? operation["responses"] : {}
  const content = { [ndjson]: { schema: { type: "string" } }, "text/csv": { schema: { type: "string" } } }
  return { ...operation, responses: { ...responses, "200": { description: "A sample a line", content } } }
}

export const samples = HttpApiGroup.make("samples")
  .add(
    HttpApiEndpoint.get("export", "/samples")
      .setUrlParams(
        Schema.Struct({
          ...device,
          from: Schema.optional(Moment).annotations({ description: "The beginning; of all there is as a rule" }),
          to: Schema.optional(Moment).annotations({ description: "The end, itself not included; now as a rule" }),
        }),
      )
      .addSuccess(HttpApiSchema.Text({ contentType: ndjson }))
      .annotate(
        OpenApi.Summary,
        "Every sample of a range as it came in, a line of JSON each, or CSV where it is accepted",
      )
      .annotate(
        OpenApi.Description,
        "In order of time, of any length. The fields are those of POST /v1/ingest; in CSV every column is there and " +
          "sub-meters are JSON. A reply that breaks off is not complete: go on with the last `ts` as `from`.",
      )
      .annotate(OpenApi.Transform, orCsv),
  )
  .addError(Problems.notFound)
  .addError(Problems.forbidden)
  .middleware(ReadAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "What the meter said, with a read token")
