import { Effect, PubSub } from "effect"
import { SimulatedMeter } from "../SimulatedMeter.ts"
import { MeterSystem } from "../System.ts"
import { MeterUsers } from "../Users.ts"

const topics = ["device", "user", "measurement", "system"] as const

/** What a client of the WebSocket may be told of; a P1 without batteries does not know theirs. */
export type Topic = (typeof topics)[number]

export const isTopic = (name: unknown): name is Topic => topics.some((topic) => topic === name)

/** The topics that a name stands for, `*` for all of them. */
export const topicsNamed = (name: unknown): ReadonlyArray<Topic> =>
  name === "*" ? topics : isTopic(name) ? [name] : []

/** The current value of a topic, the whole object of the GET of the same name. */
export const valueOf = (
  topic: Topic,
  caller: string,
): Effect.Effect<unknown, never, SimulatedMeter | MeterSystem | MeterUsers> => {
  switch (topic) {
    case "device":
      return Effect.flatMap(SimulatedMeter, ({ device }) => device)
    case "user":
      return Effect.flatMap(MeterUsers, ({ list }) => list(caller))
    case "measurement":
      return Effect.flatMap(SimulatedMeter, ({ given, measurement }) =>
        Effect.tap(measurement, (json) => PubSub.publish(given, json)),
      )
    case "system":
      return Effect.flatMap(MeterSystem, ({ read }) => read)
  }
}
