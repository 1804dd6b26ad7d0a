/** Below, what is made of a record is little beside what the process takes anyway, and the number of records bounds it. */
const largeBytes = 65_536

/**
 * What a record of so many bytes (key, value, headers) counts for in the bounds on memory. A large one counts three times: while it is
 * under way its text, its fields and its document are there, too. Measured with records of 1 MB: see docs/performance.md.
 */
export function chargedBytes(bytes: number): number {
  return bytes < largeBytes ? bytes : 3 * bytes
}
