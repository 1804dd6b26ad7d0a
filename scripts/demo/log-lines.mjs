/**
 * What six services of a shop write: each kind of line with its level, how often it comes on a good day (`usual`), and how
 * often while something is wrong (`trouble`).
 *
 * @typedef {ReturnType<import('./random.mjs').createRandom>} Random
 * @typedef {{ level: string, usual: number, trouble?: number, text: (random: Random) => string }} Kind
 */

const regions = ['eu-west-1', 'eu-central-1', 'us-east-1']
const ip = (random) => `10.${random.whole(0, 3)}.${random.whole(0, 255)}.${random.whole(1, 254)}`
const client = (random) => `203.0.113.${random.whole(1, 254)}`
const order = (random) => `ord-${random.whole(100_000, 999_999)}`
const ms = (random, from, to) => `${random.whole(from, to)}ms`
const database = (random) => random.pick(['db-1.prod.internal', 'db-2.prod.internal'])
const user = (random) => `${random.pick(['ada', 'grace', 'edsger', 'barbara', 'tony'])}@example.com`

/** @type {Record<string, Kind[]>} */
export const services = {
  gateway: [
    {
      level: 'info',
      usual: 30,
      text: (r) => `GET /api/v1/orders/${order(r)} HTTP/1.1" 200 from ${client(r)} in ${ms(r, 2, 90)}`,
    },
    {
      level: 'info',
      usual: 10,
      text: (r) => `POST /api/v1/orders HTTP/1.1" 201 from ${client(r)} in ${ms(r, 20, 180)}`,
    },
    {
      level: 'warn',
      usual: 1,
      trouble: 12,
      text: (r) =>
        `upstream payments.prod.internal:8443 is slow: ${ms(r, 900, 4900)}, pool ${r.whole(80, 100)}% used`,
    },
    {
      level: 'error',
      usual: 0.2,
      trouble: 14,
      text: (r) =>
        `POST /api/v1/orders HTTP/1.1" 503 from ${client(r)} in ${ms(r, 5000, 5100)}: upstream payments.prod.internal:8443 unavailable`,
    },
  ],
  orders: [
    {
      level: 'info',
      usual: 14,
      text: (r) => `order ${order(r)} placed by ${user(r)}, total $${r.whole(5, 400)}.${r.whole(10, 99)}`,
    },
    {
      level: 'debug',
      usual: 6,
      text: (r) => `query on ${database(r)}:5432 took ${ms(r, 1, 40)}, ${r.whole(1, 90)} rows`,
    },
    {
      level: 'error',
      usual: 0.1,
      trouble: 9,
      text: (r) => `could not store order ${order(r)}: connect ECONNREFUSED ${ip(r)}:5432 (${database(r)})`,
    },
  ],
  payments: [
    {
      level: 'info',
      usual: 10,
      text: (r) =>
        `captured $${r.whole(5, 400)}.${r.whole(10, 99)} for ${order(r)} at https://psp.example.com/v2/charges/${r.hex(12)} in ${ms(r, 80, 400)}`,
    },
    {
      level: 'warn',
      usual: 0.5,
      trouble: 8,
      text: (r) => `retrying charge for ${order(r)}, attempt ${r.whole(2, 4)}, after ${ms(r, 400, 3200)}`,
    },
    { level: 'error', usual: 0.1, trouble: 7, text: javaTrace },
    {
      level: 'fatal',
      usual: 0,
      trouble: 0.3,
      text: (r) =>
        `out of memory: heap ${r.whole(3900, 4095)} MiB of 4096 MiB used, dumping to /var/dumps/payments-${r.hex(6)}.hprof`,
    },
  ],
  inventory: [
    {
      level: 'info',
      usual: 8,
      text: (r) =>
        `reserved ${r.whole(1, 9)} of sku-${r.whole(1000, 9999)} for ${order(r)} in ${r.pick(regions)}`,
    },
    {
      level: 'warn',
      usual: 0.4,
      trouble: 2,
      text: (r) => `stock of sku-${r.whole(1000, 9999)} is low in ${r.pick(regions)}: ${r.whole(1, 9)} left`,
    },
    { level: 'error', usual: 0.3, trouble: 3, text: pythonTrace },
  ],
  auth: [
    { level: 'info', usual: 9, text: (r) => `login of ${user(r)} from ${client(r)}, session ${r.hex(16)}` },
    { level: 'warn', usual: 1, text: (r) => `token expired for ${user(r)} from ${client(r)}` },
    {
      level: 'error',
      usual: 0.1,
      trouble: 0.3,
      text: (r) => `EXT_LDAP bind to ldap.prod.internal:636 failed: ETIMEDOUT after ${ms(r, 3000, 3100)}`,
    },
  ],
  mailer: [
    {
      level: 'info',
      usual: 5,
      text: (r) =>
        `sent confirmation of ${order(r)} to ${user(r)}, ${r.whole(2, 48)} kB, in ${ms(r, 40, 900)}`,
    },
    { level: 'error', usual: 0.2, trouble: 1, text: nodeTrace },
  ],
}

function javaTrace(random) {
  return [
    `charge of ${order(random)} failed: java.net.SocketTimeoutException: Read timed out after ${ms(random, 5000, 5100)}`,
    '\tat java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:278)',
    '\tat java.base/java.net.Socket$SocketInputStream.read(Socket.java:1099)',
    `\tat com.shop.payments.PspClient.charge(PspClient.java:${random.whole(80, 240)})`,
    `\tat com.shop.payments.ChargeService.capture(ChargeService.java:${random.whole(30, 90)})`,
    '\tat java.base/java.lang.Thread.run(Thread.java:1583)',
    `Caused by: java.sql.SQLTransientConnectionException: ${database(random)}:5432 - Connection is not available, request timed out after 30000ms`,
    '\tat com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:696)',
    '\t... 41 more',
  ].join('\n')
}

function pythonTrace(random) {
  return [
    'Traceback (most recent call last):',
    `  File "/srv/inventory/reserve.py", line ${random.whole(20, 180)}, in reserve`,
    '    row = cursor.fetchone()',
    '  File "/usr/lib/python3/dist-packages/psycopg/cursor.py", line 231, in fetchone',
    `psycopg.OperationalError: server closed the connection unexpectedly (${database(random)}, SQLSTATE 08006)`,
  ].join('\n')
}

function nodeTrace(random) {
  return [
    `TypeError: Cannot read properties of undefined (reading 'address')`,
    `    at renderMail (/srv/mailer/src/render.js:${random.whole(10, 99)}:17)`,
    '    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)',
    `    at async send (/srv/mailer/src/send.js:41:3) { order: '${order(random)}', code: 'ERR_INVALID_ARG_TYPE' }`,
  ].join('\n')
}

/**
 * A line as its service would write it: the gateway writes logfmt, the others JSON.
 *
 * @param {{ service: string, level: string, message: string, timeMs: number, trace: string }} line
 */
export function writeLine({ service, level, message, timeMs, trace }) {
  const timestamp = new Date(timeMs).toISOString()
  if (service === 'gateway')
    return `ts=${timestamp} level=${level} service=gateway trace_id=${trace} msg=${JSON.stringify(message)}`
  return JSON.stringify({ timestamp, level, service, trace_id: trace, message })
}

/** What also comes along in real life: no text, half a record, bytes that are no text. */
export const brokenRecords = [
  '{"service":"inventory","event":"heartbeat","uptime":86413}',
  '{"timestamp":"2026-11-22T10:15:00.000Z","level":"error","service":"orders","mess',
]
