import type * as Library from '../../src/pipeline/index.js'

/*
 * What a hop through each stage costs: µs of CPU per item, without the share of the source and of the loop around it.
 *
 *     npm run build && node --import tsx test/bench/pipeline-overhead.ts [DIRECTORY-OF-A-BUILD]
 *
 * It measures what is built: tsx names every closure that is made, which costs more than all else.
 */

const built = new URL(`${process.argv[2] ?? 'dist'}/pipeline/index.js`, `file://${process.cwd()}/`)
const { batch, buffer, fanOut, filter, flatten, map, mapConcurrent, pipeline, Semaphore } = (await import(
  built.href
)) as typeof Library

const items = 100_000
const hops = 5
const rounds = 5

function numbers(count: number): AsyncIterable<number> {
  return {
    [Symbol.asyncIterator]() {
      let next = 0
      return {
        next: () =>
          Promise.resolve<IteratorResult<number>>(
            next < count ? { done: false, value: next++ } : { done: true, value: undefined },
          ),
      }
    },
  }
}

async function generated(source: AsyncIterable<number>): Promise<void> {
  for await (const item of source) if (item < 0) throw new Error('below 0')
}

async function* passOn(source: AsyncIterable<number>): AsyncGenerator<number, void> {
  for await (const item of source) yield item
}

const soon = (item: number) => Promise.resolve(item)
const later = (item: number) =>
  new Promise<number>((resolve) => {
    setImmediate(() => resolve(item))
  })

const stages: Record<string, () => Library.Stage<number, number>> = {
  'async generator (for comparison)': () => passOn,
  map: () => map((item) => item),
  filter: () => filter(() => true),
  'batch 50 + flatten': () => (source) =>
    flatten<number>()(batch<number>({ count: 50, bytes: 1e9, ageMs: 1000, sizeOf: () => 1 })(source)),
  'buffer 100': () => buffer({ size: 100 }),
  'fanOut, one branch': () => (source) => fanOut(source, [{ queueSize: 100, whenFull: 'wait' }])[0]!,
  'mapConcurrent none, at once': () =>
    mapConcurrent(soon, { concurrency: 100, order: 'none', onError: 'throw' }),
  'mapConcurrent none': () => mapConcurrent(later, { concurrency: 100, order: 'none', onError: 'throw' }),
  'mapConcurrent input': () => mapConcurrent(later, { concurrency: 100, order: 'input', onError: 'throw' }),
  'mapConcurrent key': () =>
    mapConcurrent(later, { concurrency: 100, order: 'key', key: (item) => item % 8, onError: 'throw' }),
  'mapConcurrent none, semaphore': () =>
    mapConcurrent(later, {
      concurrency: 100,
      order: 'none',
      semaphore: new Semaphore(50),
      onError: 'throw',
    }),
  'mapConcurrent none, isolated': () => (source) =>
    map((outcome: { readonly item: number }) => outcome.item)(
      mapConcurrent(later, { concurrency: 100, order: 'none' })(source),
    ),
}

async function cpuMicros(run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

async function median(run: () => Promise<void>): Promise<number> {
  const taken: number[] = []
  for (let round = 0; round < rounds; round++) taken.push(await cpuMicros(run))
  return taken.sort((a, b) => a - b)[Math.floor(rounds / 2)]!
}

async function main(): Promise<void> {
  const bare = await median(() => generated(numbers(items)))
  console.log('µs of CPU per item and hop'.padEnd(40))
  for (const [name, stage] of Object.entries(stages)) {
    const chain = () => {
      let source: AsyncIterable<number> = numbers(items)
      for (let hop = 0; hop < hops; hop++) source = stage()(source)
      return generated(source)
    }
    const each = ((await median(chain)) - bare) / items / hops
    console.log(`${name.padEnd(40)}${each.toFixed(2)}`)
  }
  const settled = await median(() => pipeline(numbers(items)).settle(() => undefined))
  console.log(`${'pipeline + settle'.padEnd(40)}${((settled - bare) / items).toFixed(2)}`)
}

await main()
