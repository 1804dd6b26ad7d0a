import type { Verdict } from './call-log.js'
import type { CallResult, NlpService } from './nlp-service.js'
import type { Stop } from './stop.js'

export interface AskOptions {
  /** Not together with other texts: it failed before, and shall not drag them along. */
  readonly alone: boolean
  readonly stop: Stop
}

/** How one record's text gets to the service: in a request of its own, or with others. */
export interface Asker {
  /** One call that carries `text`; `analyses` then has one element. Never rejects. */
  ask(text: string, options: AskOptions): Promise<CallResult>
  /** Whose fault a suspect failure was. */
  judge(beganAt: number, stop: Stop): Promise<Verdict>
}

/** One text per request: the record's own permit is the request's. */
export function singleAsker(service: NlpService): Asker {
  return {
    ask: (text, { stop }) => service.call([text], stop),
    judge: (beganAt) => service.judge(beganAt),
  }
}
