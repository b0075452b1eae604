// What stands on undici is never called by the edge: it would be another 15 MB in memory.
export default {}
