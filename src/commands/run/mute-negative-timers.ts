/**
 * kafkajs sets timers to negative times where it need not wait, which from Node 22 on warns on the standard error, among
 * the lines of the log. Every other warning is shown as ever. For the thread that calls it.
 */
export function muteNegativeTimers(): void {
  const shown = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (warning.name !== 'TimeoutNegativeWarning') for (const show of shown) show(warning)
  })
}
