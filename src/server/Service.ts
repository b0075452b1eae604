/** What this program is called where several run side by side. */
export const service = "p1-api"
