import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeMemberData, encodeMemberData } from '../../src/kafka/member-data.js'

const nothing = { owned: [], place: undefined }

describe('what a member tells of itself', () => {
  it('comes back as it was', () => {
    const told = {
      owned: [
        { topic: 'a', partition: 0 },
        { topic: 'a', partition: 3 },
        { topic: 'b', partition: 1 },
      ],
      place: { home: 'here', pid: 7 },
    }
    assert.deepEqual(decodeMemberData(encodeMemberData(told)), told)
    assert.deepEqual(decodeMemberData(encodeMemberData(nothing)), nothing)
  })

  for (const [name, text] of [
    ['nothing at all', ''],
    ['no JSON', '{"a'],
    ['a list', '[1]'],
    ['another shape', '{"owned":["a"],"place":{"home":1,"pid":2}}'],
    ['what would mean many processes', '{"place":{"home":"here","pid":-1}}'],
    ['partitions that are no numbers', '{"owned":{"a":["x",1.5,null],"b":"c"}}'],
  ] as const) {
    it(`counts for nothing where it is ${name}`, () => {
      assert.deepEqual(decodeMemberData(Buffer.from(text)), nothing)
    })
  }

  it('counts for nothing where there is none', () => {
    assert.deepEqual(decodeMemberData(undefined), nothing)
  })
})
