import { kafkaTls } from '../../assembly/assemble-kafka.js'
import type { Config } from '../../config/schema.js'
import type { KafkaInspector } from '../../kafka/kafka-inspector.js'
import { typeOf } from '../../kafka/kafkajs-inspector.js'
import { probeBroker, type BrokerProbe, type BrokerVerdict } from '../../kafka/probe-broker.js'
import { advise, inWords, type Report } from '../finding.js'

const verdicts: Readonly<Record<Exclude<BrokerVerdict, 'kafka'>, string>> = {
  refused: 'nothing listens there; correct host and port in kafka.brokers, or start the broker',
  'unknown-host': 'there is no such host; correct kafka.brokers',
  'no-connection': 'no connection; correct host and port in kafka.brokers, or let the firewall pass it',
  silent: 'it takes the connection and says nothing; correct the port in kafka.brokers',
  'not-kafka': 'what listens there does not speak the protocol of Kafka; correct the port in kafka.brokers',
  http: 'what listens there speaks HTTP; correct the port in kafka.brokers',
  'wants-tls': 'it speaks TLS, and kafka.tls.enabled is false; set it to true',
  'no-tls':
    'it speaks plain text, and kafka.tls.enabled is true; set it to false, or use the port of the TLS listener in kafka.brokers',
  'unknown-ca':
    'its certificate is of a CA that is not known here; set kafka.tls.ca to the certificate of that CA',
  'wrong-name':
    'its certificate is for another name; correct the host in kafka.brokers, or set kafka.tls.serverName to a name of the certificate',
  'certificate-expired': 'its certificate is not valid now; renew it',
  'wants-client-certificate':
    'it does not take us without a certificate that it trusts; set kafka.tls.cert and kafka.tls.key',
  'tls-failed': 'no TLS connection; check kafka.tls.* and the port in kafka.brokers',
}

/**
 * Each broker of the configuration, then the login, then each broker that the cluster itself names.
 *
 * @returns whether Kafka can be asked more
 */
export async function checkBrokers(
  config: Config,
  inspector: KafkaInspector,
  report: Report,
): Promise<boolean> {
  const { brokers } = config.kafka
  const tls = kafkaTls(config)
  const probes = await Promise.all(brokers.map((address) => probeBroker(address, { tls })))
  const someAnswer = probes.some(({ verdict }) => verdict === 'kafka')
  brokers.forEach((address, at) => {
    tell({ address, probe: probes[at], fatal: !someAnswer, report })
  })
  if (!someAnswer) return false
  let named: readonly string[]
  try {
    named = await inspector.brokers()
  } catch (error) {
    report({ status: 'FAIL', subject: 'kafka login', message: loginAdvice(error, config) })
    return false
  }
  const { mechanism } = config.kafka.sasl
  const how = mechanism === undefined ? 'taken without a login' : `logged in by ${mechanism}`
  report({ status: 'ok', subject: 'kafka login', message: how })
  for (const address of named.filter((name) => !brokers.includes(name))) {
    const probe = await probeBroker(address, { tls })
    if (probe.verdict === 'kafka') continue
    const message = `the cluster names this address, and from here ${verdicts[probe.verdict]}; or correct advertised.listeners of the broker`
    report({ status: 'FAIL', subject: `kafka broker ${address}`, message })
  }
  return true
}

interface Told {
  readonly address: string
  readonly probe: BrokerProbe | undefined
  /** No other broker answers either. */
  readonly fatal: boolean
  readonly report: Report
}

function tell({ address, probe, fatal, report }: Told): void {
  const subject = `kafka broker ${address}`
  if (probe === undefined || probe.verdict === 'kafka') {
    report({ status: 'ok', subject, message: 'Kafka answers' })
    return
  }
  const said = probe.detail === '' ? '' : ` (${probe.detail})`
  report({ status: fatal ? 'FAIL' : 'warn', subject, message: verdicts[probe.verdict] + said })
}

function loginAdvice(error: unknown, { kafka: { sasl } }: Config): string {
  const said = inWords(error)
  switch (typeOf(error)) {
    case 'ILLEGAL_SASL_STATE':
      return 'this listener takes no login; remove kafka.sasl.*, or use the port of the SASL listener in kafka.brokers'
    case 'UNSUPPORTED_SASL_MECHANISM':
      return advise(said, 'set kafka.sasl.mechanism to one that this listener takes')
    case 'CLUSTER_AUTHORIZATION_FAILED':
      return advise(said, 'allow this user to describe the cluster')
    default:
      break
  }
  if (sasl.mechanism === undefined)
    return 'it hangs up on us, as it does where a login is wanted; set kafka.sasl.mechanism, .username and .password'
  return said.includes('kafka.sasl') ? said : advise(said, 'correct kafka.sasl.*')
}
