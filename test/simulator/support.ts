import { type Household, type Load, makeHousehold } from "../../src/simulator/index.ts"

export const secondOf = (iso: string): number => Date.parse(iso) / 1000
export const quarterS = 900
export const dayS = 86_400

export const zone = "Europe/Brussels"
export const serial = "5c2faf000001"

/** A household that draws what a test says, net watts by second. */
export const scripted = (netW: (second: number) => number): Household => {
  const loadAt = (second: number): Load => {
    const power = netW(second)
    return { l1W: power, l2W: 0, l3W: 0, netW: power, gasMl: 1, waterMl: 2 }
  }
  return { ...makeHousehold({ seed: 1, zone }), loadAt }
}
