import { join } from 'node:path'
import { placesIn } from './embedded.mjs'

/**
 * How to look at what `--keep` has left, and how to stop it.
 *
 * @param {import('./show.mjs').Screen} screen
 * @param {{ run: import('./run-record.mjs').Run, servers?: import('./servers.mjs').Servers, admin: string }} options
 */
export function sayHowToLook(screen, { run, servers, admin }) {
  screen.heading('Everything is left running')
  if (servers) {
    screen.item('status page', admin)
    screen.item('metrics', `curl ${admin}metrics`)
    screen.item('search', `curl '${servers.elasticsearch}/enrichd-logs-*/_search?pretty&q=severity:critical'`)
    screen.item(
      'Kafka',
      `${servers.kafka}, topic "logs"; what you write there is in the index a second later`,
    )
  } else {
    const { logs, documents, deadLetters } = placesIn(run.directory)
    screen.say('Without servers that is the NLP service; enrichd has read the file to its end and exited 0.')
    for (const path of [logs, documents, deadLetters]) screen.item('file', path)
  }
  screen.item('logs', join(run.directory, '*.log'))
  screen.item('stop', 'npm run demo -- --stop')
}
