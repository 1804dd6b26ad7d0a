import type { Done } from './call.js'
import type { NlpService } from './nlp-service.js'
import type { Stop } from './stop.js'

export interface AskOptions {
  /** Not together with other texts: it failed before, and shall not drag them along. */
  readonly alone: boolean
  readonly stop: Stop
}

/** How one record's text gets to the service: in a request of its own, or with others. */
export interface Asker {
  /** One call that carries `text`, once there is a permit; `analyses` then has one element. */
  ask(text: string, options: AskOptions, done: Done): void
}

/** One text per request. */
export function singleAsker(service: NlpService): Asker {
  const { permits } = service
  return {
    ask(text, { stop }, done) {
      permits.request(() => {
        // Who waits is told to stop once it is its turn: those before it have been told then.
        if (!stop.stopped) {
          service.call([text], stop, done)
          return
        }
        permits.release()
        done({ status: 'stopped' })
      })
    },
  }
}
