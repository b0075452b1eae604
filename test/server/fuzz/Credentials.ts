import { FastCheck as fc } from "effect"

export interface Tokens {
  readonly home: string
  readonly barn: string
  readonly homeReader: string
  readonly bothReader: string
}

const rightFor = ({ bothReader, home, homeReader }: Tokens, path: string): fc.Arbitrary<string> =>
  path === "/v1/ingest" ? fc.constant(home) : fc.constantFrom(homeReader, bothReader)

const json = "application/json"

/** Mostly what a client sends; now and then another token, another type, or a header that is none. */
export const hostileHeaders = (tokens: Tokens, path: string): fc.Arbitrary<Record<string, string>> => {
  const any = fc.constantFrom(...Object.values(tokens), "", "p1d_", `${tokens.home}x`, tokens.home.toLowerCase())
  return fc
    .record({
      token: fc.oneof({ weight: 9, arbitrary: rightFor(tokens, path) }, { weight: 1, arbitrary: any }),
      type: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(json, `${json}; charset=utf-8`) },
        { weight: 1, arbitrary: fc.constantFrom("text/plain", "", "application/x-www-form-urlencoded", "a/b/c;;=") },
      ),
      more: fc.oneof(
        { weight: 8, arbitrary: fc.constant({}) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            { accept: "text/csv" },
            { accept: "application/x-ndjson" },
            { accept: "*/*;q=x,," },
            { "if-none-match": '"1-1"' },
            { "if-none-match": "*" },
            { "last-event-id": "99999999999999999999" },
            { "x-forwarded-for": "x, y" },
            { "accept-encoding": "gzip;q=2" },
          ),
        },
      ),
    })
    .map(({ more, token, type }) => ({ authorization: `Bearer ${token}`, "content-type": type, ...more }))
}
