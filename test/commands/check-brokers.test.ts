import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { judgeGroup } from '../../src/commands/check/check-topics.js'
import { probeBroker } from '../../src/kafka/probe-broker.js'
import { CertificateAuthority } from '../support/certificates.js'
import { listen } from './support/fake-cluster.js'

const authority = new CertificateAuthority()
const tls = { ca: authority.cert }
const timeoutMs = 300

/** Answers a request as Kafka does, as far as its correlation id. */
function likeKafka(socket: Socket): void {
  socket.on('error', () => undefined)
  socket.on('data', (request) => {
    // A request of this size is none: a broker hangs up.
    if (request.length < 12 || request.readInt32BE(0) > 100_000) return void socket.destroy()
    const answer = Buffer.alloc(14)
    answer.writeInt32BE(10, 0)
    request.copy(answer, 4, 8, 12)
    socket.write(answer)
  })
}

async function open(t: TestContext, server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function secure(
  t: TestContext,
  names = ['127.0.0.1'],
  options: { wantsCertificate?: boolean } = {},
): Promise<string> {
  const { wantsCertificate = false } = options
  const identity = authority.issue({ commonName: 'broker', names })
  const mutual = { requestCert: wantsCertificate, rejectUnauthorized: wantsCertificate, ca: authority.cert }
  return open(t, createTlsServer({ ...identity, ...mutual }, likeKafka))
}

const verdict = async (address: string, options: Parameters<typeof probeBroker>[1] = {}) =>
  (await probeBroker(address, { timeoutMs, ...options })).verdict

describe('a broker that is asked', () => {
  it('is Kafka, in plain text and over TLS', async (t) => {
    assert.equal(await verdict(await open(t, createServer(likeKafka))), 'kafka')
    assert.equal(await verdict(await secure(t), { tls }), 'kafka')
  })

  it('is told apart from a wrong port, a wrong host, and one that says nothing', async (t) => {
    assert.equal(await verdict('127.0.0.1:1'), 'refused')
    assert.equal(await verdict('nowhere.invalid:9092'), 'unknown-host')
    assert.equal(
      await verdict(
        await open(
          t,
          createServer(() => undefined),
        ),
      ),
      'silent',
    )
    const banner = createServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
    assert.equal(await verdict(await open(t, banner)), 'not-kafka')
  })

  it('is told apart from an HTTP server, which waits for more', async (t) => {
    const url = await listen(t, (_request, response) => void response.end('hello'))
    assert.equal(await verdict(new URL(url).host), 'http')
    assert.equal(await verdict(new URL(url).host, { tls }), 'http')
  })

  it('is found to speak TLS where we do not, and the reverse', async (t) => {
    assert.equal(await verdict(await secure(t)), 'wants-tls')
    assert.equal(await verdict(await open(t, createServer(likeKafka)), { tls }), 'no-tls')
  })

  it('is not trusted without its CA, or under another name, and may not trust us', async (t) => {
    const address = await secure(t)
    assert.equal(await verdict(address, { tls: {} }), 'unknown-ca')
    assert.equal(await verdict(address, { tls: { rejectUnauthorized: false } }), 'kafka')
    assert.equal(await verdict(await secure(t, ['kafka.example']), { tls }), 'wrong-name')
    assert.equal(
      await verdict(await secure(t, undefined, { wantsCertificate: true }), { tls }),
      'wants-client-certificate',
    )
    assert.equal(await verdict(address, { tls: { ca: 'no PEM', cert: 'none', key: 'none' } }), 'tls-failed')
  })
})

describe('a consumer group', () => {
  const group = { state: 'Stable', protocolType: 'consumer', members: [], committedTopics: [] }
  const member = (...topics: string[]) => ({ clientId: 'c', host: 'h', topics })

  it('that nobody uses, or our own members use, is ours', () => {
    assert.deepEqual(judgeGroup(group, ['a']), { status: 'ok', message: 'free' })
    assert.equal(judgeGroup({ ...group, committedTopics: ['a', 'old'] }, ['a']).status, 'ok')
    assert.deepEqual(judgeGroup({ ...group, members: [member('a'), member('a')] }, ['a', 'b']), {
      status: 'ok',
      message: 'it is in use by 2 members with the same topics',
    })
  })

  it("that reads other topics is somebody else's", () => {
    assert.deepEqual(judgeGroup({ ...group, members: [member('x', 'y')] }, ['a']), {
      status: 'FAIL',
      message: 'it is in use by 1 member with other topics (x, y); choose another kafka.groupId',
    })
    assert.equal(judgeGroup({ ...group, protocolType: 'connect', members: [member()] }, ['a']).status, 'FAIL')
  })

  it('that reads more than we do, or left offsets of other topics, is worth a warning', () => {
    assert.equal(judgeGroup({ ...group, members: [member('a', 'x')] }, ['a']).status, 'warn')
    assert.match(
      judgeGroup({ ...group, committedTopics: ['x'] }, ['a']).message,
      /offsets of other topics \(x\)/,
    )
  })
})
