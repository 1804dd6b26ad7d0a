/**
 * Random numbers that are the same for the same seed (mulberry32, by Tommy Ettinger).
 *
 * @param {number} seed
 */
export function createRandom(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const whole = (from, to) => from + Math.floor(next() * (to - from + 1))
  const pick = (list) => list[Math.floor(next() * list.length)]
  const hex = (length) => Array.from({ length }, () => whole(0, 15).toString(16)).join('')
  return { next, whole, pick, hex, chance: (probability) => next() < probability }
}
