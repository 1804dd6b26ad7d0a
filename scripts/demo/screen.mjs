import { clearInterval, setInterval } from 'node:timers'

const defaultWidth = 80
/** On a narrower terminal prose is wrapped for this width all the same. */
const leastWidth = 20
/** On a narrower terminal a name has a line of its own. */
const besideWidth = 48
const labelWidth = 14
const liveIntervalMs = 100
/** Where a line cannot be written over, how often it is written anew. */
const plainIntervalMs = 5000

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
}

/**
 * What the demo prints with: as wide as the terminal, in colour where it is wanted (NO_COLOR, FORCE_COLOR and TERM=dumb
 * are honoured), with block characters where the locale has them, and with a line that is written over only on a terminal.
 *
 * @param {{ stream?: NodeJS.WriteStream, env?: NodeJS.ProcessEnv, platform?: string }} [options]
 */
export function createScreen({
  stream = process.stdout,
  env = process.env,
  platform = process.platform,
} = {}) {
  const look = lookOf(stream, env, platform)
  const paint = (name, text) =>
    look.colour ? `\u001b[${codes[name][0]}m${text}\u001b[${codes[name][1]}m` : text
  const terminalWidth = () => widthOf(stream, env)
  const width = () => Math.max(leastWidth, terminalWidth())
  const write = (text) => stream.write(text)
  const live = liveLine({ write, width: terminalWidth, look })

  const lines = (text) => {
    live.clear()
    write(`${text}\n`)
  }
  return {
    ...look,
    paint,
    get width() {
      return width()
    },
    /** A part of the story begins. */
    heading: (text) => lines(`\n${paint('bold', cut(text, width(), look.blocks))}`),
    /** Prose, wrapped. */
    say: (text) => lines(wrap(text, width()).join('\n')),
    /** Something that has a name, wrapped behind it. */
    item: (name, text) => {
      const beside = width() >= besideWidth
      const indent = beside ? labelWidth + 2 : 4
      const label = beside ? name.padEnd(labelWidth) : `${name}\n  `
      const wrapped = wrap(text, width() - indent).join(`\n${' '.repeat(indent)}`)
      lines(`  ${paint('cyan', label)}${wrapped}`)
    },
    /** Lines as they are. */
    print: lines,
    /** What goes on now: `text` is asked for again and again until `endLive`. */
    live: live.show,
    endLive: live.clear,
  }
}

function lookOf(stream, env, platform) {
  const dumb = env.TERM === 'dumb'
  const onTerminal = stream.isTTY === true && !dumb
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== ''
  const refused = env.NO_COLOR !== undefined && env.NO_COLOR !== ''
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  return {
    live: onTerminal,
    colour: !refused && (forced || onTerminal),
    blocks: !dumb && (platform === 'darwin' || /utf-?8/i.test(locale)),
  }
}

function widthOf(stream, env) {
  const columns = stream.isTTY ? stream.columns : Number(env.COLUMNS)
  return Number.isInteger(columns) && columns > 0 ? columns : defaultWidth
}

/** One line that says what goes on now: written over on a terminal, else written anew every few seconds if it has changed. */
function liveLine({ write, width, look }) {
  let timer
  let shown = ''
  const { live } = look
  const clear = () => {
    clearInterval(timer)
    timer = undefined
    if (live && shown) write('\r\u001b[K')
    shown = ''
  }
  const draw = (text) => {
    // The last column stays free: some terminals wrap when it is written.
    const line = cut(text(width() - 1), width() - 1, look.blocks)
    if (line === shown) return
    shown = line
    write(live ? `\r\u001b[K${line}` : `${line}\n`)
  }
  return {
    clear,
    /** @param {(width: number) => string} text plain text, no longer than `width` */
    show: (text) => {
      clear()
      if (live) draw(text)
      timer = setInterval(() => draw(text), live ? liveIntervalMs : plainIntervalMs)
      timer.unref()
    },
  }
}

/** @param {string} text @param {number} width @param {boolean} [blocks] whether the terminal has more than ASCII */
export function cut(text, width, blocks = true) {
  const characters = [...text]
  return characters.length <= width
    ? text
    : characters.slice(0, Math.max(0, width - 1)).join('') + (blocks ? '…' : '~')
}

/**
 * Breaks prose between words; a word that is longer than a line keeps a line of its own (addresses stay whole).
 *
 * @param {string} text @param {number} width @returns {string[]} at least one line
 */
export function wrap(text, width) {
  const lines = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const word of paragraph.split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`
      if (line !== '' && [...longer].length > width) {
        lines.push(line)
        line = word
      } else line = longer
    }
    lines.push(line)
  }
  return lines
}
