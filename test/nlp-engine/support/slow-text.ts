/** Takes the engine a second or more on any machine: linear in its length, but 6 MB with a million entities. */
export const slowText = '10.0.0.1:80 '.repeat(500_000)
