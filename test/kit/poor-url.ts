/** A URL class like React Native's: it knows only http, has no setters, and never validates or throws. */
export class PoorURL {
  readonly href: string
  constructor(text: string) {
    this.href = /^\w+:\/\/[^/?#]+$/.test(text) ? `${text}/` : text
  }
  get protocol() {
    return /^[a-z]+:/.exec(this.href)?.[0] ?? ''
  }
  get origin() {
    return /^https?:\/\/[^/]+/.exec(this.href)?.[0] ?? ''
  }
  get username() {
    return ''
  }
  get password() {
    return ''
  }
  get hash() {
    return ''
  }
  get searchParams() {
    return new URLSearchParams(this.href.split('?')[1])
  }
}
