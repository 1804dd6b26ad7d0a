import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { before, describe, it } from 'node:test'
import kafkajs, { type Broker } from 'kafkajs'
import { removeDeadMembers } from '../../src/kafka/dead-members.js'
import { encodeMemberData } from '../../src/kafka/member-data.js'
import { ownPlace, type ProcessPlace } from '../../src/kafka/process-place.js'

const own = ownPlace()
const skip = own === undefined && 'this system does not tell where a process runs'

const metadata = (userData: Buffer): Buffer =>
  kafkajs.AssignerProtocol.MemberMetadata.encode({ version: 1, topics: ['logs'], userData })

const at = (place: ProcessPlace | undefined): Buffer => metadata(encodeMemberData({ owned: [], place }))

/** A coordinator whose group has these members, by id; `refuse` names the error that it answers with for some. */
function coordinator(
  members: Readonly<Record<string, Buffer>>,
  refuse: Readonly<Record<string, string>> = {},
) {
  const left: string[] = []
  const broker = {
    describeGroups: () =>
      Promise.resolve({
        groups: [
          {
            members: Object.entries(members).map(([memberId, memberMetadata]) => ({
              memberId,
              memberMetadata,
            })),
          },
        ],
      }),
    leaveGroup: ({ memberId }: { memberId: string }) => {
      const type = refuse[memberId]
      if (type !== undefined) return Promise.reject(Object.assign(new Error(type), { type }))
      left.push(memberId)
      return Promise.resolve()
    },
  }
  return { broker: broker as unknown as Broker, left }
}

describe('members whose processes have ended', { skip }, () => {
  assert.ok(own)
  let dead: ProcessPlace
  before(async () => {
    const child = spawn('true')
    await once(child, 'exit')
    assert.ok(child.pid)
    dead = { ...own, pid: child.pid }
  })

  it('are taken out, and nobody else', async () => {
    const { broker, left } = coordinator({
      dead: at(dead),
      lives: at({ ...own, pid: process.ppid }),
      self: at(own),
      elsewhere: at({ ...dead, home: 'elsewhere' }),
      silent: at(undefined),
      "another program's": metadata(Buffer.from('{"place":7}')),
      'in a rebalance': Buffer.alloc(0),
      garbage: Buffer.from([255, 255, 255]),
    })
    assert.deepEqual(await removeDeadMembers(broker, 'group'), [dead.pid])
    assert.deepEqual(left, ['dead'])
  })

  it('may be taken out by another one at the same time', async () => {
    const { broker, left } = coordinator({ a: at(dead), b: at(dead) }, { a: 'UNKNOWN_MEMBER_ID' })
    assert.deepEqual(await removeDeadMembers(broker, 'group'), [dead.pid])
    assert.deepEqual(left, ['b'])
  })

  it('stay where the coordinator refuses, which is told', async () => {
    const { broker } = coordinator({ a: at(dead) }, { a: 'GROUP_AUTHORIZATION_FAILED' })
    await assert.rejects(removeDeadMembers(broker, 'group'), /GROUP_AUTHORIZATION_FAILED/)
  })
})
