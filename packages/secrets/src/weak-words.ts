/**
 * What people choose first, from general knowledge. Entries are lower-case letters and digits only;
 * `unexplainedCharacters` reads `p@55w0rd` as `password` and looks into texts without their
 * separators, so variants are not listed. Short ones count only as parts: a password of 15 characters is weak when little
 * is left beside such words.
 */
const WORDS = `
  password passwort passwd passw pass passphrase passcode motdepasse contrasena contraseña senha parola parool
  wachtwoord haslo heslo salasana losenord jelszo sifre kennwort geheim secret secreto segredo
  пароль 密码 パスワード
  admin administrator administrateur root user username guest please test tester testing demo example sample default
  login logon signin signup welcome willkommen bienvenue bienvenido letmein openup access enter hello
  hallo bonjour changeme change changeit newpassword temp temporary oldpassword mypassword
  thisismypassword
  server system sysadmin operator manager office computer laptop internet network website service
  support database backup production staging development developer devops deploy docker kubernetes
  cloud amazon google facebook twitter instagram linkedin github gitlab microsoft windows apple
  android samsung youtube netflix oracle postgres mysql redis linux ubuntu debian
  qwerty qwertz azerty asdf zxcv qazwsx abc abcd aaa xxx
  iloveyou ilove loveyou love lovely lover forever whatever nothing trustno trust freedom nopassword
  dragon monkey tiger lion eagle falcon dolphin butterfly horse puppy kitten cookie chocolate
  banana cheese pepper ginger flower sunshine rainbow summer winter spring autumn sommer
  football baseball basketball soccer hockey tennis golf yankees liverpool chelsea arsenal
  barcelona juventus realmadrid ranger rangers steelers cowboys lakers packers
  master shadow superman batman spiderman ironman pokemon pikachu naruto starwars skywalker
  matrix hunter killer ninja samurai warrior princess angel jesus christ heaven diamond golden
  silver purple orange yellow phoenix thunder mustang ferrari porsche mercedes corvette harley
  michael michelle jordan charlie thomas robert daniel andrew joshua matthew anthony william
  george jessica ashley jennifer amanda nicole hannah maggie buster bailey
  january february march april june july august september october november december
  monday tuesday wednesday thursday friday saturday sunday
  london paris berlin madrid newyork america england france germany
  correcthorsebatterystaple troubador thequickbrownfoxjumpsoverthelazydog thequickbrownfox
  loremipsum loremipsumdolorsitamet tobeornottobe thatisthequestion maytheforcebewithyou
  opensesame abracadabra supercalifragilisticexpialidocious rosebud nevergonnagiveyouup
  onceuponatime
`
  .trim()
  .split(/\s+/)

const YEARS = Array.from({ length: 90 }, (_, i) => String(1950 + i))

export const WEAK_WORDS: readonly string[] = [...WORDS, ...YEARS]

/** The name of this product and its parts, refused like the name of the reader's organization. */
export const PRODUCT_WORDS: readonly string[] = ['keyrack', 'convox', 'console', 'rack']
