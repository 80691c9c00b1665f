import { describe, expect, it } from 'vitest'
import { passwordProblem } from './password-problem.ts'

const about = { email: 'alice.smith@example.com', organization: 'Acme Widgets' }
const problem = (text: string) => passwordProblem(text, about)

describe('a password anybody may choose', () => {
  it.each([
    'violet anchor pudding',
    'my dog eats purple bananas',
    'I drink 3 cups of tea',
    'forty treasure expert',
    'kxqvwmzjrthbnpd',
    '837465019283746',
    'Xk9#mQ2vLp4!zRX',
    '{}[]<>?/|~`^&*%',
    'zażółć gęślą jaźń',
    '我喜欢在雨天里读很长很长的旧书',
    '🦊🐢🚲🌵🍒🎻🧊🔭🪁🐙🧭🎈🥁🍋🪐',
    'acmeXk9#mQ2vjw5t',
    `tail ${'lorry gravel nibble '.repeat(50)}x`,
    'correct but very different batteries',
  ])('is allowed without capitals, digits or signs being asked for: %j', (text) => {
    expect(problem(text)).toBeUndefined()
  })

  it('may be 64 or 1,024 characters long, of any bytes each', () => {
    const long = Array.from({ length: 1024 }, (_, i) => String.fromCodePoint(0x4e00 + i * 19)).join(
      '',
    )
    expect(problem([...long].slice(0, 64).join(''))).toBeUndefined()
    expect(problem(long)).toBeUndefined()
    expect(problem(`${long}a`)).toMatch('too long: use at most 1024 characters')
    expect(problem('a'.repeat(1 << 20))).toMatch('too long')
  })
})

describe('a short password', () => {
  it.each(['', 'a', 'kxqvwmzjrthbnp', '🦊🐢🚲🌵🍒🎻🧊'])(
    'is refused below 15 characters: %j',
    (text) => {
      expect(problem(text)).toMatch('too short: use at least 15 characters')
    },
  )

  it('counts as it is typed and as it is kept, whichever is less', () => {
    // One character that NFKC turns into eighteen; two that it turns into one.
    expect(problem('\ufdfa')).toMatch('too short')
    expect(problem('kxqvwmzjrthbe\u0301\u0301')).toMatch('too short')
  })

  it('needs 8 characters beside a second factor', () => {
    const second = (text: string) => passwordProblem(text, about, { secondFactor: true })
    expect(second('kxqvwmz')).toMatch('at least 8 characters')
    expect(second('kxqvwmzj')).toBeUndefined()
    expect(second('password')).toMatch('guessed first')
    expect(second('Passw0rd1')).toMatch('guessed first')
    expect(second('acme2024')).toMatch('your organization')
    expect(second('kxkxkxkx')).toMatch('repeats')
    expect(passwordProblem('kxqvwmzj', about, { secondFactor: false })).toMatch('15')
    // A repeated unit of 8 characters is a good one there.
    expect(second('kxqvwmzjkxqvwmzj')).toBeUndefined()
  })
})

describe('a long password that is guessed first', () => {
  it.each([
    '111111111111111',
    'kxkxkxkxkxkxkxkxkx',
    'Kx9kX9kx9Kx9kx9kx9',
    'P@ssw0rd!P@ssw0rd!',
    'Summer2024Summer2024',
    'passwordpasswordpassword',
    'Xk9#mQ2Xk9#mQ2Xk9',
  ])('repeats one short piece: %j', (text) => {
    expect(problem(text)).toMatch('repeats one short piece')
  })

  it.each([
    'Password12345678',
    'p@55w0rd98765432',
    'p-a-s-s-w-o-r-d-1-2-3',
    'passwordqwertyletmein',
    'LetMeInPlease2026!',
    'January2026January',
    'monkey dragon shadow master',
    'correct horse battery staple',
    'CorrectHorseBatteryStaple!1',
    'thequickbrownfoxjumpsoverthelazydog',
    'пароль12345678901',
    'ｐａｓｓｗｏｒｄ１２３４５６７８',
  ])('is made of common passwords: %j', (text) => {
    expect(problem(text)).toMatch('guessed first')
  })

  it.each([
    'abcdefghijklmnop',
    'zyxwvutsrqponmlk',
    '1234567890123456',
    '9876543210987654',
    '1357924680135792',
    'aabbccddeeffggh',
    '1122334455667788',
    'aaaaabbbbbcccccd',
    'абвгдежзийклмно',
    'abc123cba321xyz',
    '010010110101100',
  ])('is a sequence: %j', (text) => {
    expect(problem(text)).toMatch('guessed first')
  })

  it.each([
    'qwertyuiopasdfg',
    'poiuytrewqlkjhgfdsa',
    'zxcvbnm,./asdfgh',
    '1qaz2wsx3edc4rfv',
    '!QAZ@WSX#EDC$RFV',
    '!@#$%^&*()_+!@#',
    '1!2@3#4$5%6^7&8*',
    'qwertzuiopüasdfg',
    'azertyuiopqsdfgh',
    'q w e r t y u i o p 1 2 3',
  ])('is a walk on the keyboard: %j', (text) => {
    expect(problem(text)).toMatch('guessed first')
  })

  it.each([
    'alice.smith@example.com',
    'ALICE.SMITH@EXAMPLE.COM',
    'alicesmith2024!!',
    'example.com-alice-1',
    'Acme Widgets 2024',
    'widgetsacmewidgets1',
    '4cm3w1dg3t5-4821',
    'Keyrack-Keyrack!',
    'keyrack-4821-acme',
    'convox!convox?convox',
  ])('is the e-mail address, the organization or the product, padded: %j', (text) => {
    expect(problem(text)).toMatch('your e-mail address, your organization or the name of this')
  })

  it('is somebody else’s name only: allowed', () => {
    const other = { email: 'bo@x.io' }
    expect(passwordProblem('example.com-alice-1', other)).toBeUndefined()
    // Two letters of an address do not count as a word.
    expect(passwordProblem('bobobexioxioobix', other)).toBeUndefined()
  })

  it('is long and weak only at its beginning: allowed', () => {
    expect(problem(`${'password'.repeat(32)}kxqvwmzjrthbnpd`)).toBeUndefined()
  })
})

describe('the answer', () => {
  it('says what is broken about half a character', () => {
    expect(problem('violet anchor pudding\ud800')).toMatch('broken character')
  })

  it('is one sentence that repeats nothing of the password and holds no percent sign', () => {
    const refused = ['hunter2', 'hunter2\ud800', 'hunter2'.repeat(3), 'hunter2'.repeat(999)]
    for (const text of [...refused, 'hunterhunter2!', 'hunter1234567890', 'alice-hunter-acme']) {
      expect(problem(text)).toMatch(/^[A-Z][^%]+\.$/)
      expect(problem(text)).not.toContain('hunter')
    }
  })
})
