import type { Pattern } from './pattern.js'

export const pathPatterns: readonly Pattern[] = [
  {
    type: 'path',
    needs: ['/'],
    expression: /(?<=^|[\s"'=([,;:{`|])(?:~|\.{1,2})?(?:\/[\w.+@%~$#&=-]{1,255}){1,64}\/?/g,
    trailing: /[.#&=]{1,8}$/,
    accepts: (candidate) => /[a-z]/i.test(candidate) && !/^\/\d{1,3}(?:\.\d{1,3}){3}/.test(candidate),
  },
  {
    // A blank belongs to a segment only where a backslash still follows: `C:\Program Files\Acme\a.log`.
    type: 'path',
    needs: [':\\'],
    expression:
      /(?<!\w)[a-z]:(?:\\{1,2}[\w.$@~()+-]{1,64}(?: [\w.$()+-]{1,64}(?=[ \w.$()+-]{0,128}\\)){0,4}){1,32}/gi,
    trailing: /[.)]{1,8}$/,
  },
  {
    type: 'path',
    needs: ['\\\\'],
    expression: /(?<![\w\\:])\\\\[\w.-]{1,63}(?:\\[\w.$@~()+-]{1,64}){1,32}/g,
    trailing: /[.)]{1,8}$/,
  },
]
