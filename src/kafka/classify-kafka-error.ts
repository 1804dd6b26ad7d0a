import { EnrichdError, type ErrorCode, type FailureKind } from '../errors.js'
import { kafkaAdvice, readable, tlsAdvice } from './kafka-advice.js'

type Verdict = readonly [ErrorCode, FailureKind]

/** By the protocol's error type (`error.type`). Everything that is not here is an outage: wait and try again. */
const byType: Readonly<Record<string, Verdict>> = {
  MESSAGE_TOO_LARGE: ['KAFKA_RECORD_TOO_LARGE', 'record'],
  RECORD_LIST_TOO_LARGE: ['KAFKA_RECORD_TOO_LARGE', 'record'],
  UNKNOWN_TOPIC_OR_PARTITION: ['KAFKA_MISCONFIGURED', 'setting'],
  INVALID_TOPIC_EXCEPTION: ['KAFKA_MISCONFIGURED', 'setting'],
  INVALID_GROUP_ID: ['KAFKA_MISCONFIGURED', 'setting'],
  INCONSISTENT_GROUP_PROTOCOL: ['KAFKA_MISCONFIGURED', 'setting'],
  INVALID_SESSION_TIMEOUT: ['KAFKA_MISCONFIGURED', 'setting'],
  ILLEGAL_SASL_STATE: ['KAFKA_MISCONFIGURED', 'setting'],
  UNSUPPORTED_SASL_MECHANISM: ['KAFKA_MISCONFIGURED', 'setting'],
  TOPIC_AUTHORIZATION_FAILED: ['KAFKA_UNAUTHORIZED', 'setting'],
  GROUP_AUTHORIZATION_FAILED: ['KAFKA_UNAUTHORIZED', 'setting'],
  CLUSTER_AUTHORIZATION_FAILED: ['KAFKA_UNAUTHORIZED', 'setting'],
  SASL_AUTHENTICATION_FAILED: ['KAFKA_UNAUTHORIZED', 'setting'],
  NON_EMPTY_GROUP: ['KAFKA_GROUP_IN_USE', 'setting'],
  ILLEGAL_GENERATION: ['KAFKA_FENCED', 'outage'],
  UNKNOWN_MEMBER_ID: ['KAFKA_FENCED', 'outage'],
  REBALANCE_IN_PROGRESS: ['KAFKA_FENCED', 'outage'],
  GROUP_COORDINATOR_NOT_AVAILABLE: ['KAFKA_UNREACHABLE', 'outage'],
  NOT_COORDINATOR_FOR_GROUP: ['KAFKA_UNREACHABLE', 'outage'],
  FENCED_INSTANCE_ID: ['KAFKA_FENCED', 'outage'],
}

const byName: Readonly<Record<string, Verdict>> = {
  KafkaJSSASLAuthenticationError: ['KAFKA_UNAUTHORIZED', 'setting'],
  KafkaJSConnectionError: ['KAFKA_UNREACHABLE', 'outage'],
  KafkaJSConnectionClosedError: ['KAFKA_UNREACHABLE', 'outage'],
  KafkaJSRequestTimeoutError: ['KAFKA_UNREACHABLE', 'outage'],
  KafkaJSNoBrokerAvailableError: ['KAFKA_UNREACHABLE', 'outage'],
  KafkaJSBrokerNotFound: ['KAFKA_UNREACHABLE', 'outage'],
}

/**
 * Any error of the Kafka client → ours. Total: an unknown error is an outage (`KAFKA_FAILED`), since waiting loses
 * nothing. The client wraps errors several times over; the first of the chain that says something decides. The message ends
 * with what to change, where that is known.
 */
export function classifyKafkaError(error: unknown, doing: string): EnrichdError {
  if (error instanceof EnrichdError) return error
  const [code, kind] = first(error, verdictOf) ?? (['KAFKA_FAILED', 'outage'] as const)
  const reason = readable(error instanceof Error ? error.message : String(error))
  const advice = first(error, adviceOf)
  const message = `Kafka, ${doing}: ${reason}${advice === undefined ? '' : `; ${advice}`}`
  return new EnrichdError(code, message, { kind, cause: error })
}

function verdictOf({ type, name, code }: Cause): Verdict | undefined {
  if (tlsAdvice(String(code)) !== undefined) return ['KAFKA_MISCONFIGURED', 'setting']
  return byType[String(type)] ?? byName[String(name)]
}

function adviceOf({ type, code, message }: Cause): string | undefined {
  return tlsAdvice(String(code)) ?? kafkaAdvice(String(type), String(message))
}

interface Cause {
  readonly type?: unknown
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly cause?: unknown
  readonly originalError?: unknown
}

/** What the first error of the chain of causes says that says something. */
function first<T>(error: unknown, read: (cause: Cause) => T | undefined): T | undefined {
  let each: unknown = error
  for (let depth = 0; depth < 8 && typeof each === 'object' && each !== null; depth++) {
    const cause: Cause = each
    const found = read(cause)
    if (found !== undefined) return found
    each = cause.cause ?? cause.originalError
  }
  return undefined
}
