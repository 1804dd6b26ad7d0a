import { constants } from 'node:os'
import type { Pattern } from './pattern.js'

/** What the system calls name, and what Node and the resolver add to them. */
const errnoNames = new Set([
  ...Object.keys(constants.errno),
  ...'ENOTFOUND,EAI_AGAIN,EAI_NONAME,EAI_FAIL,EPROTO,ETIMEOUT,ESOCKETTIMEDOUT,EBADCSR,ESERVFAIL,EREFUSED,ENOTCACHED,ELIFECYCLE,ERESOLVE,EINTEGRITY'.split(
    ',',
  ),
])

const statusPhrases =
  'OK|Created|Accepted|No Content|Moved Permanently|Found|Not Modified|Bad Request|Unauthorized|Payment Required|Forbidden|Not Found|' +
  'Method Not Allowed|Not Acceptable|Request Time-?out|Conflict|Gone|Precondition Failed|Payload Too Large|Unprocessable|Too Many Requests|' +
  'Internal Server Error|Not Implemented|Bad Gateway|Service (?:Temporarily )?Unavailable|Gateway Time-?out'

export const failurePatterns: readonly Pattern[] = [
  {
    type: 'error-code',
    expression: /(?<![\w-])E[A-Z0-9_]{3,24}(?![\w-])/g,
    accepts: (candidate) => errnoNames.has(candidate) || /^E\d{4,6}$/.test(candidate),
  },
  {
    type: 'error-code',
    needs: ['-'],
    expression: /(?<![\w-])(?:ORA|TNS|PLS|RMAN|MY|BEA|JBAS|WSREP|SQL|DB2|ERR|ERROR)-\d{3,6}(?![\w-])/g,
  },
  {
    type: 'error-code',
    needs: ['ERR', 'STATUS_', 'AADSTS', 'SQL'],
    expression:
      /(?<!\w)(?:ERR_[A-Z0-9_]{3,60}|ERR\d{3,6}|(?:NT_)?STATUS_[A-Z_]{4,60}|AADSTS\d{4,7}|SQL\d{4,5}[NWC])(?!\w)/g,
  },
  {
    type: 'error-code',
    needs: ['_', 'UNAUTHENTICATED'],
    expression:
      /(?<!\w)(?:DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED|FAILED_PRECONDITION|PERMISSION_DENIED|UNAUTHENTICATED|NXDOMAIN|SERVFAIL)(?!\w)/g,
  },
  {
    // HRESULT and NTSTATUS values of failures.
    type: 'error-code',
    needs: ['0x'],
    expression: /(?<!\w)0x(?:8[0-9a-f]{7}|c0[0-9a-f]{6})(?!\w)/gi,
  },
  {
    type: 'error-code',
    needs: ['rrno', 'ode', 'ODE', 'SQLSTATE', 'sqlstate', 'ERRNO'],
    expression:
      /((?<![a-z])(?:errno|(?:error|err|exit|return|status)[ _-]?code|sqlstate)["']?[\s:=[(]{1,3}["']?)(-?[a-z0-9]{1,12})(?![\w.])/gi,
    accepts: isFailureCode,
  },
  {
    // nginx and Python: `(111: Connection refused)`, `[Errno 111]`.
    type: 'error-code',
    needs: ['('],
    expression: /(\()(\d{1,3})(?=: [A-Z][a-z]{2})/g,
  },
  {
    type: 'exception',
    needs: ['Exception', 'Error'],
    expression: /(?<![\w$.])(?:[a-z_$][\w$]{0,63}(?:\.|::)){0,12}[A-Z][\w$]{0,80}(?:Exception|Error)(?!\w)/gi,
    accepts: isExceptionClass,
  },
  {
    type: 'exception',
    needs: ['Timeout', 'Throwable', 'Interrupt', 'SystemExit', 'StopIteration', 'Fault'],
    expression:
      /(?<![\w$.])(?:(?:[a-z_]\w{0,63}\.){1,12}[A-Z]\w{0,60}(?:Timeout|Fault|Warning)|KeyboardInterrupt|SystemExit|StopIteration|java\.lang\.Throwable)(?!\w)/g,
  },
  {
    type: 'http-status',
    needs: ['HTTP', 'http', 'tatus', 'STATUS', '->', '=>', '→', 'returned', 'responded', 'esponse'],
    expression:
      /((?:\bHTTP\/\d(?:\.\d)?"? |\bHTTP[ _-]?(?:status|error|code|response)?[ :=]{1,3}|\b(?:http[_-]?)?(?:response[_-]?)?status(?:[_ -]?code)?["']?[:= ]{1,3}"?|\bresponse[_ -]?code["']?[:= ]{1,3}|\breturned |\bresponded(?: with)? |(?:->|=>|→) ?))([1-5]\d\d)(?![\w.,:/]\d|\w)/gi,
  },
  {
    type: 'http-status',
    expression: new RegExp(`(?<![\\w.:-])[1-5]\\d\\d(?= (?:${statusPhrases})\\b)`, 'g'),
  },
]

/** Not 0, which is success, and not what is rather an HTTP status; 126 to 143 are what a shell makes of signals. */
function isFailureCode(candidate: string): boolean {
  if (/^1[234]\d$/.test(candidate)) return true
  return /[1-9]/.test(candidate) && !/^[1-5]\d\d$/.test(candidate)
}

/** A class, so a capital somewhere inside: `TypeError`, `java.io.IOException`; not `error`, `Error`, `onError` or `ERROR`. */
function isExceptionClass(candidate: string): boolean {
  const name = candidate.slice(Math.max(candidate.lastIndexOf('.'), candidate.lastIndexOf(':')) + 1)
  return /^[A-Z]\w*[\da-zA-Z](?:Exception|Error)$/.test(name)
}
