/**
 * What kind of failure it was; it decides what happens to the record and to the line (ARCHITECTURE.md, "Four kinds of failure").
 *
 * - `record`:  the record's own fault. Dead letter at once; the line moves on.
 * - `outage`:  a dependency is down or pushes back. Wait for as long as it takes; never counts as an attempt.
 * - `suspect`: could be either. Counts as an attempt only if another record has succeeded meanwhile.
 * - `setting`: a setting is wrong. The line stops, says what to change, and goes on by itself once it works.
 */
export type FailureKind = 'record' | 'outage' | 'suspect' | 'setting'

/** Every code an error of ours can carry. Scripts and dashboards match on these: they are only ever added to. */
export const errorCodes = [
  'USAGE',
  'CONFIG_INVALID',
  'RECORD_UNDECODABLE',
  'RECORD_NO_MESSAGE',
  'RECORD_TOMBSTONE',
  'STAGE_FAILED',
  'STAGE_TIMEOUT',
  'NLP_REJECTED',
  'NLP_UNREACHABLE',
  'NLP_OVERLOADED',
  'NLP_TIMEOUT',
  'NLP_SERVER_ERROR',
  'NLP_BAD_ANSWER',
  'NLP_MISCONFIGURED',
  'INDEX_REJECTED',
  'INDEX_TOO_LARGE',
  'INDEX_NAME_INVALID',
  'INDEX_TOO_MANY_NAMES',
  'INDEX_UNREACHABLE',
  'INDEX_OVERLOADED',
  'INDEX_UNAVAILABLE',
  'INDEX_TIMEOUT',
  'INDEX_UNKNOWN_ITEM_ERROR',
  'INDEX_BAD_ANSWER',
  'INDEX_MISCONFIGURED',
  'SINK_FAILED',
  'SINK_CLOSED',
  'SOURCE_FAILED',
  'KAFKA_UNREACHABLE',
  'KAFKA_UNAUTHORIZED',
  'KAFKA_MISCONFIGURED',
  'KAFKA_FENCED',
  'KAFKA_GROUP_IN_USE',
  'KAFKA_RECORD_TOO_LARGE',
  'KAFKA_FAILED',
  'DEAD_LETTER_FAILED',
  'TOO_MANY_REJECTED',
  'DRAIN_DEADLINE',
  'INTERNAL',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** Where it happened: what an operator needs to find the record. */
export interface ErrorContext {
  readonly stage?: string
  readonly topic?: string
  readonly partition?: number
  readonly offset?: number
  /** The attempt that failed, from 1. */
  readonly attempt?: number
}

export interface EnrichdErrorOptions {
  readonly kind: FailureKind
  readonly cause?: unknown
  /** How long the other side asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined
  /** The beginning of what the other side said. It may quote the record: for its dead letter, and never in a log line. */
  readonly said?: string | undefined
  readonly context?: ErrorContext
}

/** The base of every error of ours: a code of the closed list, a kind, and always the cause where there is one. */
export class EnrichdError extends Error {
  override readonly name = 'EnrichdError'
  readonly code: ErrorCode
  readonly kind: FailureKind
  readonly retryAfterMs: number | undefined
  readonly said: string | undefined
  readonly context: ErrorContext

  constructor(code: ErrorCode, message: string, options: EnrichdErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.kind = options.kind
    this.retryAfterMs = options.retryAfterMs
    this.said = options.said
    this.context = options.context ?? {}
  }

  /** False only for a failure that is the record's own: trying again cannot help it. */
  get retryable(): boolean {
    return this.kind !== 'record'
  }

  /** The same error with more of its story: `context` is laid over what is there; the cause stays. */
  within(context: ErrorContext): EnrichdError {
    const { kind, cause, retryAfterMs, said } = this
    return new EnrichdError(this.code, this.message, {
      kind,
      cause,
      retryAfterMs,
      said,
      context: { ...this.context, ...context },
    })
  }
}

/** The message with what the other side said: for those who may read the record, so never for a log line. */
export function inFull(error: Error): string {
  const said = error instanceof EnrichdError ? error.said : undefined
  return said === undefined ? error.message : `${error.message}: ${said}`
}
