import { isIPv6 } from 'node:net'
import type { Pattern } from './pattern.js'

const octet = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'

const topLevelDomains = (
  'com|org|net|io|dev|edu|gov|mil|app|cloud|ai|co|biz|tech|xyz|online|site|uk|de|fr|eu|nl|cn|jp|ru|br|mx|au|ca|ch|se|dk|fi|es|cz|nz|za|kr|tw|hk|sg|' +
  'ar|cl|gr|hu|il|ir|pt|ro|tr|ua|vn|th|my|ph|at|in|it|no|be|us|pl|ie|' +
  'internal|local|localdomain|lan|corp|intranet|arpa|svc|test|example|invalid'
).split('|')

/** Domains that are also words or endings of names in code: such a host needs three labels, a digit or a hyphen. */
const ambiguousDomains = new Set('at,in,it,no,be,us,ie,my,app,test,example,svc,cloud,local'.split(','))

/** First labels of packages and modules, which look like hosts: `java.net`, `org.eclipse.io`. */
const packageRoots = new Set(
  'java,javax,jakarta,jdk,sun,com,org,net,io,dev,scala,kotlin,system,node'.split(','),
)

export const networkPatterns: readonly Pattern[] = [
  {
    type: 'ip',
    needs: ['.'],
    expression: new RegExp(`(?<![\\w.])${octet}(?:\\.${octet}){3}(?!\\w|\\.\\w)`, 'g'),
  },
  {
    type: 'ip',
    needs: [':'],
    expression: /(?<![\w:.])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?!\w|(?::[0-9a-f]{2}){2})/gi,
    // Eight pairs are a hardware address.
    accepts: (candidate) => !/^(?:[0-9a-f]{2}:){7}[0-9a-f]{2}$/i.test(candidate),
  },
  {
    type: 'ip',
    needs: ['::'],
    expression: /(?<![\w:.])[0-9a-f:]{2,39}(?:\.\d{1,3}){0,3}(?![\w:])/gi,
    accepts: (candidate) => candidate.includes('::') && /\d/.test(candidate) && isIPv6(candidate),
  },
  {
    type: 'port',
    needs: ['ort'],
    expression: /(\bports?["']?(?:[=:] ?| )["']?)(\d{1,5})(?![\w.])/gi,
    accepts: isPort,
  },
  {
    type: 'url',
    needs: ['://'],
    expression: /(?<![a-z0-9])[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>`\\^{}|]{1,2048}/gi,
    trailing: /[.,;:!?)\]]{1,8}$/,
  },
  {
    type: 'email',
    needs: ['@'],
    expression: /(?<![\w.+%-])[\w.+%-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![\w-])/gi,
  },
  {
    type: 'host',
    needs: ['.'],
    expression: new RegExp(
      `(?<![\\w.@/\\\\$-])(?:[a-z0-9][a-z0-9-]{0,62}\\.){1,8}(?:${topLevelDomains.join('|')})(?![\\w$-]|\\.\\w)`,
      'gi',
    ),
    accepts: isHostName,
  },
  { type: 'host', needs: ['localhost'], expression: /(?<![\w.-])localhost(?![\w-]|\.\w)/g },
  {
    type: 'host',
    needs: ['host', 'node', 'server'],
    expression:
      /(\b(?:r?host|hostname|nodename|node|server)=["']?)([a-z][\w-]{0,62}(?:\.[\w-]{1,63}){0,8})(?![\w(])/gi,
  },
  {
    // RFC 3164 and 5424 headers: a time, the host, the program.
    type: 'host',
    expression:
      /^((?:<\d{1,3}>(?:\d )?)?(?:[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]{5,18}(?:Z|[+-]\d\d:\d\d)) )([a-z][\w.-]{0,62})(?= [\w./()-]{1,64}(?:\[\d{1,10}\])?:)/gi,
  },
]

export function isPort(digits: string): boolean {
  return Number(digits) > 0 && Number(digits) <= 65_535
}

function isHostName(candidate: string): boolean {
  if (candidate !== candidate.toLowerCase() && candidate !== candidate.toUpperCase()) return false
  const labels = candidate.toLowerCase().split('.')
  if (packageRoots.has(labels[0] ?? '')) return false
  return labels.length > 2 || /[\d-]/.test(labels[0] ?? '') || !ambiguousDomains.has(labels.at(-1) ?? '')
}
