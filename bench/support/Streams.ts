import { get } from "node:http"

export interface StreamsResult {
  readonly clients: number
  readonly events: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Opens many realtime streams at once; `read` gives the events that came since, by the age that each had here. */
export const openStreams = async (url: string, token: string, clients: number) => {
  const ages: Array<number> = []
  const hear = (text: string) => {
    for (const [, ts] of text.matchAll(/"ts":"([^"]+)"/g)) ages.push(Date.now() - Date.parse(ts ?? ""))
  }
  const headers = { authorization: `Bearer ${token}` }
  const responses = await Promise.all(
    Array.from(
      { length: clients },
      () =>
        new Promise<() => void>((resolve, reject) => {
          get(`${url}/v1/realtime/stream`, { headers, agent: false }, (response) => {
            response.setEncoding("utf8").on("data", hear)
            resolve(() => response.destroy())
          }).once("error", reject)
        }),
    ),
  )
  return {
    forget: () => void ages.splice(0),
    read: (): StreamsResult => {
      const sorted = ages.splice(0).sort((a, b) => a - b)
      const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN
      return { clients, events: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) }
    },
    close: () => responses.forEach((close) => close()),
  }
}
