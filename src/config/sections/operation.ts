import { choice, integer, text } from '../format.js'
import { setting } from '../setting.js'

export const adminSection = {
  host: setting(
    text({ expected: 'a host name or an address', pattern: /^[A-Za-z0-9._:%-]+$/ }),
    '127.0.0.1',
    {
      doc: 'The address that health, metrics and the status page listen on.',
      example: '0.0.0.0',
    },
  ),
  port: setting(integer(0, 65_535), 8686, {
    doc: 'The port of health, metrics and the status page; 0 takes a free one and logs it.',
    example: '9100',
  }),
}

export const logSection = {
  level: setting(choice('trace', 'debug', 'info', 'warn', 'error'), 'info', {
    doc: 'The least level that is logged. Nothing is logged per record at `info`.',
    example: 'debug',
  }),
  format: setting(choice('json', 'pretty'), 'json', {
    doc: 'One JSON object a line, or coloured lines for people.',
    example: 'pretty',
  }),
}
