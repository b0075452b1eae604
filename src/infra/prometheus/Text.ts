import { type MetricPair, MetricState, Option } from "effect"

export type Labels = Readonly<Record<string, string>>

/** What is measured under one name. */
export interface Family {
  readonly name: string
  readonly type: "counter" | "gauge" | "histogram"
  readonly help: string
  readonly points: ReadonlyArray<{ readonly suffix?: string; readonly labels: Labels; readonly value: number }>
}

/** The media type of the text. Source: Prometheus exposition formats, text format 0.0.4. */
export const contentType = "text/plain; version=0.0.4; charset=utf-8"

const escaped = (text: string): string => text.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`))

const labelled = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}

const number = (value: number): string => (value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value))

/** The families as text, each under its name, help and type. */
export const render = (families: ReadonlyArray<Family>): string =>
  families
    .flatMap(({ help, name, points, type }) => [
      `# HELP ${name} ${help.replace(/[\\\n]/g, " ")}`,
      `# TYPE ${name} ${type}`,
      ...points.map(({ labels, suffix = "", value }) => `${name}${suffix}${labelled(labels)} ${number(value)}`),
    ])
    .join("\n")
    .concat("\n")

const labelsOf = (tags: ReadonlyArray<{ readonly key: string; readonly value: string }>): Labels =>
  Object.fromEntries(tags.map(({ key, value }) => [key, value] as const).sort(([a], [b]) => (a < b ? -1 : 1)))

const pointsOf = (
  labels: Labels,
  state: MetricState.MetricState.Untyped,
): Omit<Family, "name" | "help"> | undefined => {
  if (MetricState.isCounterState(state)) return { type: "counter", points: [{ labels, value: Number(state.count) }] }
  if (MetricState.isGaugeState(state)) return { type: "gauge", points: [{ labels, value: Number(state.value) }] }
  if (!MetricState.isHistogramState(state)) return undefined
  const buckets = state.buckets
    .filter(([bound]) => Number.isFinite(bound))
    .map(([bound, count]) => ({ suffix: "_bucket", labels: { ...labels, le: number(bound) }, value: count }))
  return {
    type: "histogram",
    points: [
      ...buckets,
      { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: state.count },
      { suffix: "_sum", labels, value: state.sum },
      { suffix: "_count", labels, value: state.count },
    ],
  }
}

/** The counters, gauges and histograms of a snapshot whose name begins with `prefix`, a family a name. */
export const familiesOf = (
  snapshot: Iterable<MetricPair.MetricPair.Untyped>,
  prefix: string,
): ReadonlyArray<Family> => {
  const families = new Map<string, Family>()
  for (const { metricKey, metricState } of snapshot) {
    const { description, name, tags } = metricKey
    if (!name.startsWith(prefix)) continue
    const found = pointsOf(labelsOf(tags), metricState)
    if (found === undefined) continue
    const family = families.get(name) ?? {
      name,
      type: found.type,
      help: Option.getOrElse(description, () => name),
      points: [],
    }
    families.set(name, { ...family, points: [...family.points, ...found.points] })
  }
  return [...families.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
