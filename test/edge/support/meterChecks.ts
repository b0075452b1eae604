/** What a meter is examined for, in order. */
export const meterChecks = [
  "identity",
  "device",
  "fields",
  "telegram",
  "push",
  "push refused",
  "wrong token",
  "unknown path",
  "stamp moves",
  "clock",
]
