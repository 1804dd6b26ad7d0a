import assert from 'node:assert/strict'
import { test } from 'node:test'
import { busySeconds, longestSections, selfTimes } from './support/self-times.js'
import { median, quantile } from './support/statistics.js'

const node = (id: number, functionName: string, url = '') => ({
  id,
  callFrame: { functionName, url, lineNumber: 0 },
})
const profile = {
  nodes: [
    node(1, '(idle)'),
    node(2, 'decode', 'file:///app/dist/decode/decode.js'),
    node(3, 'dispatch', 'file:///app/node_modules/undici/lib/client.js'),
  ],
  samples: [1, 2, 3, 3],
  timeDeltas: [1_000_000, 250_000, 250_000, 500_000],
}

test('the self times of a profile are shares of the busy time, the idle time left out', () => {
  assert.equal(busySeconds(profile), 1)
  assert.deepEqual(selfTimes(profile, 'room'), [
    { name: 'undici', share: 0.75 },
    { name: 'enrichd decode', share: 0.25 },
  ])
})

test('the longest sections are runs of one outermost function, with the garbage that is collected in between', () => {
  const nodes = [
    { ...node(1, '(root)'), children: [2, 3, 5, 6] },
    node(2, '(idle)'),
    { ...node(3, 'callback'), children: [4] },
    node(4, 'work'),
    node(5, '(garbage collector)'),
    node(6, 'other'),
  ]
  const sections = longestSections({
    nodes,
    samples: [2, 3, 4, 5, 4, 6, 2, 3],
    timeDeltas: [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000],
  })
  assert.deepEqual(sections, [
    { atMs: 1, forMs: 14, name: 'callback' },
    { atMs: 28, forMs: 8, name: 'callback' },
    { atMs: 15, forMs: 6, name: 'other' },
  ])
})

test('the median of an even count lies between the two in the middle, and a quantile is one of the values', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(median([5, 1, 3]), 3)
  assert.equal(quantile([1, 2, 3, 4], 0.5), 3)
  assert.equal(quantile([1, 2, 3, 4], 0.99), 4)
})
