/** A bound that is an integer from 1. @throws RangeError naming the option, the value and the range */
export function checkCount(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value
  throw new RangeError(`${name}: expected an integer of 1 or more, got ${value}`)
}

/** A time or size of 0 or more. @throws RangeError naming the option, the value and the range */
export function checkAmount(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value
  throw new RangeError(`${name}: expected 0 or more, got ${value}`)
}
