/** Puts a text into a request's body. */
export type FillTemplate = (text: string) => string

const placeholder = '{{text}}'

/**
 * Compiles a body template. Every `{{text}}` becomes the text, escaped so that it cannot break out: as the inside of a JSON
 * string for a JSON content type, percent-encoded for a form. Any other type takes `{{text}}` alone, as it is.
 * @throws TypeError if there is no `{{text}}`, or it stands where escaping would not hold.
 */
export function bodyTemplate(template: string, contentType: string): FillTemplate {
  if (!template.includes(placeholder)) throw new TypeError(`the body template has no ${placeholder}`)
  const parts = template.split(placeholder)
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === 'application/json' || type.endsWith('+json')) {
    checkJson(parts)
    return (text) => parts.join(insideJsonString(text))
  }
  if (type === 'application/x-www-form-urlencoded') {
    return (text) => parts.join(encodeURIComponent(text))
  }
  if (template !== placeholder) {
    throw new TypeError(
      `a body of type ${type} can only be ${placeholder}: nothing else would be escaped safely`,
    )
  }
  return (text) => text
}

function insideJsonString(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** A word is no JSON by itself: if the filled template parses, every placeholder stands inside a string. */
function checkJson(parts: readonly string[]): void {
  try {
    JSON.parse(parts.join('word'))
  } catch (error) {
    throw new TypeError(
      `the body template is not JSON with ${placeholder} inside a string: "${placeholder}"`,
      {
        cause: error,
      },
    )
  }
}
