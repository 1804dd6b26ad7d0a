/**
 * The properties of one broker, which is also a controller. Later ones win: ours, then the caller's `settings`.
 *
 * @param {import('./state.mjs').KafkaState} kafka
 * @param {import('./state.mjs').Broker} broker
 * @param {string} data
 * @returns {Record<string, string>}
 */
export function kafkaProperties(kafka, broker, data) {
  const copies = String(Math.min(3, kafka.brokers.length))
  return {
    'process.roles': 'broker,controller',
    'node.id': String(broker.id),
    'log.dirs': data,
    ...listenerProperties(kafka, broker),
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.replication.factor': copies,
    'share.coordinator.state.topic.replication.factor': copies,
    'default.replication.factor': copies,
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'offsets.topic.num.partitions': '5',
    'transaction.state.log.num.partitions': '5',
    ...testableProperties,
    ...kafka.settings,
  }
}

const forever = '9223372036854775807'

const testableProperties = {
  // A topic made by accident must show in a test.
  'auto.create.topics.enable': 'true',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  // Records may be from 2005: neither deleted for their age, nor a new segment for each leap in time.
  'log.retention.ms': '-1',
  'log.roll.ms': forever,
  // Compaction within seconds, and within the heap.
  'log.initial.task.delay.ms': '1000',
  'log.cleaner.backoff.ms': '500',
  'log.cleaner.dedupe.buffer.size': '16777216',
  // A killed broker is given up after 5 s, not 9: leader changes are what tests wait for.
  'broker.session.timeout.ms': '5000',
  'broker.heartbeat.interval.ms': '1000',
  'num.network.threads': '2',
  'num.io.threads': '4',
  'background.threads': '2',
}

/** `PLAINTEXT` for everybody, `CONTROLLER` among themselves, and what else was asked for; loopback only. */
function listenerProperties({ brokers, protocols }, broker) {
  const clients = [['PLAINTEXT', broker.port], ...Object.entries(broker.listeners)]
  const address = ([name, port]) => `${name}://127.0.0.1:${port}`
  const map = { PLAINTEXT: 'PLAINTEXT', CONTROLLER: 'PLAINTEXT', ...protocols }
  return {
    listeners: [...clients, ['CONTROLLER', broker.controllerPort]].map(address).join(','),
    'advertised.listeners': clients.map(address).join(','),
    'listener.security.protocol.map': Object.entries(map)
      .map((entry) => entry.join(':'))
      .join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': brokers
      .map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`)
      .join(','),
  }
}

/** @param {Record<string, string>} properties @returns {string} as a Java properties file */
export function propertiesText(properties) {
  const escape = (value) => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${escape(value)}`)
  return `${lines.join('\n')}\n`
}
