import { setImmediate } from 'node:timers/promises'
import {
  batch,
  buffer,
  fanOut,
  filter,
  flatten,
  map,
  mapConcurrent,
  Semaphore,
  type MapConcurrentOptions,
  type Stage,
} from '../../src/pipeline/index.js'
import { keepsTheStageContract, type StageCase } from './stage-contract.js'

const itself = (item: number) => [item]

keepsTheStageContract({
  name: 'map',
  bound: 0,
  itemsOf: itself,
  make: (work) =>
    map((item) => {
      work(item)
      return item
    }),
})

keepsTheStageContract({
  name: 'filter',
  bound: 0,
  itemsOf: itself,
  make: (work) =>
    filter((item) => {
      work(item)
      return true
    }),
})

keepsTheStageContract({
  name: 'flatten',
  bound: 0,
  works: false,
  itemsOf: itself,
  make: () => (source) => flatten<number>()(map((item: number) => [item])(source)),
})

keepsTheStageContract({
  name: 'buffer',
  bound: 7,
  works: false,
  itemsOf: itself,
  make: () => buffer({ size: 7 }),
})

keepsTheStageContract({
  name: 'batch',
  bound: 6,
  itemsOf: (items: number[]) => items,
  make: (work) =>
    batch({
      count: 5,
      bytes: 1000,
      ageMs: 10,
      sizeOf: (item) => {
        work(item)
        return 1
      },
    }),
})

for (const whenFull of ['wait', 'drop'] as const) {
  keepsTheStageContract({
    name: `fanOut, a branch with ${whenFull}`,
    bound: 1000,
    works: false,
    itemsOf: itself,
    make: () => (source) => fanOut(source, [{ queueSize: 1000, whenFull }])[0]!,
  })
}

function concurrent(
  name: string,
  options: Omit<MapConcurrentOptions<number>, 'concurrency'>,
): StageCase<number> {
  let inWork = 0
  return {
    name: `mapConcurrent, ${name}`,
    bound: 4,
    itemsOf: itself,
    inWork: () => inWork,
    ordered: options.order === 'input',
    make: (work): Stage<number, number> =>
      mapConcurrent(
        async (item) => {
          inWork++
          try {
            for (let turn = item % 3; turn > 0; turn--) await setImmediate()
            work(item)
            return item
          } finally {
            inWork--
          }
        },
        { ...options, concurrency: 4, onError: 'throw' },
      ),
  }
}

keepsTheStageContract(concurrent('order none', { order: 'none' }))
keepsTheStageContract(concurrent('order input', { order: 'input' }))
keepsTheStageContract(concurrent('order key', { order: 'key', key: (item) => item % 3 }))
keepsTheStageContract(concurrent('with a semaphore', { order: 'none', semaphore: new Semaphore(2) }))

keepsTheStageContract({
  name: 'mapConcurrent, synchronous work',
  bound: 4,
  itemsOf: itself,
  make: (work) =>
    mapConcurrent(
      (item) => {
        work(item)
        return item
      },
      { concurrency: 4, order: 'input', onError: 'throw' },
    ),
})

keepsTheStageContract({
  name: 'mapConcurrent, a key that fails',
  bound: 4,
  itemsOf: itself,
  ordered: false,
  make: (work) =>
    mapConcurrent((item: number) => item, {
      concurrency: 4,
      order: 'key',
      key: (item) => {
        work(item)
        return 'one'
      },
      onError: 'throw',
    }),
})

keepsTheStageContract({
  name: 'a chain of stages',
  bound: 3 + 4 + 6,
  itemsOf: (items: number[]) => items,
  ordered: false,
  make: (work) => (source) =>
    batch<number>({ count: 5, bytes: 1000, ageMs: 10, sizeOf: () => 1 })(
      concurrent('', { order: 'none' }).make(work)(buffer<number>({ size: 3 })(source)),
    ),
})
