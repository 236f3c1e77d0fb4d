#include "auth/mail/letters.hpp"

#include <array>
#include <charconv>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

// {name}, {link}, … are replaced. A button without words has no link.
struct LetterWords {
    std::string_view subject;
    std::string_view body;
    std::string_view button;
    std::string_view small;  // Below: how long it is good, and what to do when it was not you.
};

struct LetterForm {
    MailText text;
    std::string_view name;
    LetterWords german;
    LetterWords english;
};

constexpr auto letter_forms = std::to_array<LetterForm>({
    {MailText::verify_email,
     "mail.verify_email",
     {"Bitte bestätige deine E-Mail-Adresse",
      "mit einem Klick ist dein Konto bereit:", "Adresse bestätigen",
      "Der Link gilt {life} und nur einmal. Falls du dich nicht angemeldet hast, kannst du diese "
      "Nachricht vergessen."},
     {"Please confirm your email address",
      "one click and your account is ready:", "Confirm address",
      "The link is good once, for {life}. If you did not sign up, just ignore this message."}},
    {MailText::change_email,
     "mail.change_email",
     {"Bitte bestätige deine neue E-Mail-Adresse",
      "diese Adresse soll künftig zu deinem Konto gehören. Bitte bestätige sie:",
      "Neue Adresse bestätigen",
      "Der Link gilt {life} und nur einmal. Falls du das nicht warst, passiert ohne den Klick "
      "nichts."},
     {"Please confirm your new email address",
      "this address is about to become the one of your account. Please confirm it:",
      "Confirm new address",
      "The link is good once, for {life}. If this was not you, nothing happens without the "
      "click."}},
    {MailText::email_changed,
     "mail.email_changed",
     {"Deine E-Mail-Adresse wurde geändert",
      "dein Konto gehört jetzt zur Adresse {detail}. An diese hier schreiben wir nicht mehr.", "",
      "Falls du das nicht warst, antworte bitte sofort auf diese Nachricht."},
     {"Your email address was changed",
      "your account now belongs to the address {detail}. We will not write to this one any more.",
      "", "If this was not you, please answer this message at once."}},
    {MailText::reset_password,
     "mail.reset_password",
     {"Neues Passwort wählen", "hier kannst du ein neues Passwort wählen:", "Neues Passwort wählen",
      "Der Link gilt {life} und nur einmal. Falls du nicht danach gefragt hast, bleibt alles, wie "
      "es ist."},
     {"Choose a new password", "here you can choose a new password:", "Choose a new password",
      "The link is good once, for {life}. If you did not ask for it, everything stays as it is."}},
    {MailText::password_changed,
     "mail.password_changed",
     {"Dein Passwort wurde geändert",
      "dein Passwort wurde gerade geändert, und deine anderen Anmeldungen sind beendet.", "",
      "Falls du das nicht warst, wähle sofort ein neues über „Passwort vergessen“."},
     {"Your password was changed",
      "your password was changed a moment ago, and your other sessions have ended.", "",
      "If this was not you, choose a new one at once with \"forgot password\"."}},
    {MailText::magic_link,
     "mail.magic_link",
     {"Dein Link zum Anmelden", "mit diesem Link meldest du dich ohne Passwort an:", "Anmelden",
      "Der Link gilt {life} und nur einmal. Gib ihn niemandem weiter."},
     {"Your link to sign in", "this link signs you in without a password:", "Sign in",
      "The link is good once, for {life}. Do not pass it on."}},
    {MailText::sign_in_code,
     "mail.sign_in_code",
     {"Dein Anmeldecode", "dein Code zum Anmelden: <strong>{code}</strong>", "",
      "Er gilt {life} und nur einmal. Wir fragen nie am Telefon danach."},
     {"Your sign-in code", "your code to sign in: <strong>{code}</strong>", "",
      "It is good once, for {life}. We never ask for it on the phone."}},
    {MailText::invitation,
     "mail.invitation",
     {"{inviter} lädt dich ein: {space}",
      "{inviter} möchte den Bereich <strong>{space}</strong> mit dir teilen.", "Einladung ansehen",
      "Die Einladung gilt {life}."},
     {"{inviter} invites you: {space}",
      "{inviter} would like to share the space <strong>{space}</strong> with you.",
      "See the invitation", "The invitation is good for {life}."}},
    {MailText::account_deleted,
     "mail.account_deleted",
     {"Dein Konto ist gelöscht",
      "dein Konto und alles, was dazu gehört, wurde gelöscht. Danke, dass du da warst.", "",
      "Falls du das nicht warst, antworte bitte auf diese Nachricht."},
     {"Your account is deleted",
      "your account and everything that belongs to it was deleted. Thank you for having been here.",
      "", "If this was not you, please answer this message."}},
});

const LetterForm& letter_form(MailText text) {
    for (const LetterForm& form : letter_forms) {
        if (form.text == text) return form;
    }
    base::unreachable("a mail without a text");
}

std::string letter_life(std::chrono::minutes life, Locale locale) {
    const bool german = locale == Locale::german;
    const auto count = [&](long n, std::string_view one, std::string_view many) {
        return n == 1 ? std::string(one) : std::to_string(n) + " " + std::string(many);
    };
    const long minutes = life.count();
    if (minutes % 60 != 0) {
        return german ? count(minutes, "eine Minute", "Minuten")
                      : count(minutes, "a minute", "minutes");
    }
    return german ? count(minutes / 60, "eine Stunde", "Stunden")
                  : count(minutes / 60, "an hour", "hours");
}

// What users wrote, on one line: a line break in a subject would begin another header.
std::string letter_line(std::string text) {
    for (char& letter : text) {
        if (static_cast<unsigned char>(letter) < ' ' || letter == 0x7f) letter = ' ';
    }
    return text;
}

// How she is greeted. Anybody can give an account of somebody else's address a name: no text of a
// stranger with a link in it is mailed as ours.
std::string letter_greeted(const std::string& name) {
    constexpr std::size_t greeted_bytes_max = 80;
    const bool links = name.find("://") != std::string::npos ||
                       base::lower_ascii(name).find("www.") != std::string::npos;
    return links ? std::string() : letter_line(base::cut(name, greeted_bytes_max));
}

// A single pass, so that a name that looks like "{link}" stays a name.
std::string letter_filled(std::string_view words, const Mail& mail, bool escaped) {
    const MailFields& fields = mail.fields;
    std::string filled;
    while (!words.empty()) {
        const std::size_t begin = words.find('{');
        filled += words.substr(0, begin);
        if (begin == std::string_view::npos) break;
        const std::size_t end = words.find('}', begin);
        const std::string_view name = words.substr(begin + 1, end - begin - 1);
        std::string value;
        if (name == "code") value = fields.code;
        if (name == "inviter") value = fields.inviter;
        if (name == "space") value = fields.space;
        if (name == "detail") value = fields.detail;
        if (name == "life") value = letter_life(fields.life, mail.locale);
        value = letter_line(std::move(value));
        filled += escaped ? escape_html(value) : value;
        words.remove_prefix(end + 1);
    }
    return filled;
}

}  // namespace

Locale locale_of(std::string_view accept_language) {
    double german = 0, english = 0;
    for (const std::string_view part : base::split(accept_language.substr(0, 200), ',')) {
        const auto pieces = base::split(part, ';');
        double weight = 1;
        if (pieces.size() > 1) {
            const std::string_view quality = base::trim(pieces[1]);
            if (!quality.starts_with("q=")) continue;
            const auto end = quality.data() + quality.size();
            if (std::from_chars(quality.data() + 2, end, weight).ec != std::errc()) continue;
        }
        const std::string tag = base::lower_ascii(base::trim(pieces[0]));
        const std::string language = tag.substr(0, tag.find('-'));
        if (language == "de") german = std::max(german, weight);
        if (language == "en") english = std::max(english, weight);
    }
    return english > german ? Locale::english : Locale::german;
}

Letter write_letter(const Mail& mail) {
    const LetterForm& form = letter_form(mail.text);
    const bool german = mail.locale == Locale::german;
    const LetterWords& words = german ? form.german : form.english;
    Letter letter{mail.to, letter_filled(words.subject, mail, false), ""};
    letter.html = german ? "<p>Hallo" : "<p>Hello";
    const std::string name = letter_greeted(mail.fields.name);
    if (!name.empty()) letter.html += " " + escape_html(name);
    letter.html += ",</p>\r\n<p>" + letter_filled(words.body, mail, true) + "</p>\r\n";
    if (!words.button.empty()) {
        letter.html += "<p><a href=\"" + escape_html(mail.fields.link) + "\">" +
                       std::string(words.button) + "</a></p>\r\n";
    }
    letter.html += "<p>" + letter_filled(words.small, mail, true) + "</p>\r\n";
    return letter;
}

std::string escape_html(std::string_view text) {
    std::string escaped;
    for (const char letter : text) {
        switch (letter) {
            case '&': escaped += "&amp;"; break;
            case '<': escaped += "&lt;"; break;
            case '>': escaped += "&gt;"; break;
            case '"': escaped += "&quot;"; break;
            case '\'': escaped += "&#39;"; break;
            default: escaped += letter;
        }
    }
    return escaped;
}

std::string_view name_of(MailText text) {
    return letter_form(text).name;
}

}  // namespace auth
