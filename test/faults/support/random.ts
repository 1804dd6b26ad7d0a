/** A generator of numbers in [0, 1) that a seed repeats (mulberry32); `FAULTS_SEED` names one. */
export function seededRandom(seed = chosenSeed()): { readonly random: () => number; readonly seed: number } {
  let state = seed >>> 0
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { random, seed }
}

function chosenSeed(): number {
  const { FAULTS_SEED } = process.env
  return FAULTS_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(FAULTS_SEED)
}
