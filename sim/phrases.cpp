#include "sim/phrases.hpp"

#include <array>

#include "base/text.hpp"
#include "sim/dice.hpp"

namespace sim {

namespace {

using Lines = std::span<const std::string_view>;

constexpr std::array phrases_everyday{
    Matter{"Wocheneinkauf planen", "Milch, Brot und Kaffee sind alle, der Rest kann warten."},
    Matter{"Fahrrad zur Werkstatt bringen", "Die Bremse quietscht seit zwei Wochen."},
    Matter{"Zahnarzttermin ausmachen", "Am liebsten früh morgens, dann ist es vorbei."},
    Matter{"Altglas wegbringen", "Der Korb im Flur quillt über."},
    Matter{"Oma anrufen", "Sie freut sich immer, und ich schiebe es immer auf."},
    Matter{"Heizung ablesen lassen", "Der Zettel hängt seit Montag an der Tür."},
    Matter{"Bücher zurückgeben", "Zwei sind schon überfällig."},
};
constexpr std::array phrases_student{
    Matter{"Hausarbeit gliedern", "Drei Kapitel reichen, ich darf mich nicht wieder verzetteln."},
    Matter{"Skript zu Kapitel 4 lesen", "Nur zwanzig Minuten, Timer an, Handy in die Schublade."},
    Matter{"WG-Putzplan erneuern", "Diesmal mit Namen, sonst macht es wieder niemand."},
    Matter{"BAföG-Bescheid einscannen", "Liegt unter dem Stapel auf dem Fensterbrett."},
    Matter{"Lerngruppe fragen", "Wer hat die Lösung zu Blatt sieben verstanden?"},
    Matter{"Referat mit Folien beginnen", "Erst die erste Folie, der Rest kommt dann von selbst."},
    Matter{"Kopfhörer suchen", "Waren gestern noch im Rucksack, glaube ich."},
};
constexpr std::array phrases_chief{
    Matter{"Quartalszahlen durchgehen", "Die Marge im Süden passt nicht zum Plan."},
    Matter{"Gespräch mit dem Beirat vorbereiten", "Drei Punkte, eine Seite, keine Folien."},
    Matter{"Angebot für Rahmenvertrag prüfen", "Haftung und Laufzeit gehören auf den Tisch."},
    Matter{"Stelle im Vertrieb freigeben", "Ohne zweite Person kippt das Team im Frühjahr."},
    Matter{"Lieferanten anrufen", "Zusage bis Freitag, sonst wechseln wir."},
    Matter{"Jahresgespräche terminieren", "Je vierzig Minuten, nie zwei hintereinander."},
    Matter{"Budget Marketing kürzen", "Messen ja, Anzeigen nein."},
};
constexpr std::array phrases_parent{
    Matter{"Laterne für den Umzug basteln",
           "Transparentpapier ist da, der Kleber ist eingetrocknet."},
    Matter{"Turnbeutel packen", "Die Schuhe sind schon wieder zu klein."},
    Matter{"Elternabend am Dienstag", "Einer geht hin, einer bringt die Kinder ins Bett."},
    Matter{"Skizzen für das Kinderbuch", "Der Fuchs braucht einen traurigeren Blick."},
    Matter{"Kindergeburtstag planen", "Schatzsuche im Park, bei Regen im Keller."},
    Matter{"Impftermin vereinbaren", "Nachmittags, damit niemand den Sport verpasst."},
    Matter{"Farben nachbestellen", "Ocker und Preußischblau gehen zur Neige."},
};
constexpr std::array phrases_developer{
    Matter{"Release-Notizen schreiben", "Kurz, ehrlich, mit den zwei bekannten Fehlern."},
    Matter{"Parser neu aufteilen", "Eine Funktion, ein Grund, sich zu ändern."},
    Matter{"Sicherung wirklich einmal zurückspielen", "Eine ungeprüfte Sicherung ist ein Wunsch."},
    Matter{"Fehlerbericht von gestern nachstellen", "Tritt nur auf, wenn die Uhr springt."},
    Matter{"Abhängigkeiten ausmisten", "Zwei davon ersetzen wir durch dreißig Zeilen."},
    Matter{"Preisliste überdenken", "Ein Tarif weniger verkauft sich besser."},
    Matter{"Buchkapitel zu Ende lesen", "Noch elf Seiten über Warteschlangen."},
};
constexpr std::array phrases_researcher{
    Matter{"Methodenteil überarbeiten", "Die Stichprobe muss vor der Auswertung begründet werden."},
    Matter{"Gutachten abgeben", "Freundlich im Ton, klar in der Sache."},
    Matter{"Literatur zu Längsschnittstudien", "Zwei widersprechen sich, beide gut gemacht."},
    Matter{"Datensatz dokumentieren", "Variable sieben heißt anders als im Fragebogen."},
    Matter{"Vortrag für das Kolloquium", "Eine Frage, eine Abbildung, ein Zweifel."},
    Matter{"Ethikantrag ergänzen", "Die Einwilligung braucht einen Satz zur Weitergabe."},
    Matter{"Zitate prüfen", "Seitenzahl fehlt bei drei Stellen."},
};
constexpr std::array phrases_photographer{
    Matter{"Hochzeit Vorgespräch", "Lichtprobe in der Kirche um vier Uhr."},
    Matter{"Bilder Reportage auswählen", "Vierzig von neunhundert, mehr sieht niemand an."},
    Matter{"Objektiv zur Wartung", "Der Autofokus pumpt bei wenig Licht."},
    Matter{"Angebot Porträtserie", "Zwei Termine, Nutzungsrechte für ein Jahr."},
    Matter{"Mahnung freundlich formulieren", "Erst anrufen, dann schreiben."},
    Matter{"Studio für Samstag herrichten", "Hintergrund grau, zwei Blitze, Stuhl."},
    Matter{"Portfolio aussortieren", "Nur was ich wieder so machen würde."},
};
constexpr std::array phrases_newcomer{
    Matter{"Herausfinden, wie das hier geht", "Ich glaube, das ist eine Aufgabe. Oder eine Notiz?"},
    Matter{"Dings für Paul fertig machen",
           "Er meinte bis Freitag, vielleicht aber auch Donnerstag."},
    Matter{"Passwort irgendwo aufschreiben", "Nicht hier natürlich. Oder doch?"},
    Matter{"Liste von gestern wiederfinden", "Die war doch hier oben, bin ich mir sicher."},
    Matter{"Nachfragen, was Priorität heißt", "Alles ist gerade wichtig."},
    Matter{"Erst mal Kaffee", "Dann schaue ich, was die Knöpfe machen."},
    Matter{"Rechnung sortieren", "Nach Datum oder nach Namen, das weiß ich nicht."},
};

constexpr std::array phrases_people{
    Acquaintance{"Miriam", "Albrecht", "Albrecht Druck", "Inhaberin", "Leipzig"},
    Acquaintance{"Jonas", "Petersen", "Hafenkontor", "Einkäufer", "Kiel"},
    Acquaintance{"Fatma", "Yıldız", "Praxis am Markt", "Ärztin", "Köln"},
    Acquaintance{"Henrik", "Brandt", "Brandt & Söhne", "Geschäftsführer", "Bremen"},
    Acquaintance{"Clara", "Neumann", "Verlag Seitenwind", "Lektorin", "Weimar"},
    Acquaintance{"Oskar", "Winter", "Winter Elektro", "Meister", "Freiburg"},
    Acquaintance{"Lea", "Hofmann", "Stadtbibliothek", "Bibliothekarin", "Jena"},
};
constexpr std::array phrases_articles{
    ReadingMatter{"Warum Warteschlangen sich stauen", "warteschlangen", "Auslastung frisst Zeit."},
    ReadingMatter{"Die Kunst der kurzen Notiz", "kurze-notiz", "Ein Gedanke, ein Zettel."},
    ReadingMatter{"Was Schlaf mit Lernen macht", "schlaf-und-lernen", "Pausen sind Arbeit."},
    ReadingMatter{"Mittelstand und Zinsen", "mittelstand-zinsen",
                  "Eigenkapital wird wieder König."},
    ReadingMatter{"Lesen gegen den Strom", "gegen-den-strom", "Langsam lesen, mehr behalten."},
    ReadingMatter{"Offene Daten, stille Fehler", "offene-daten", "Ohne Kodierbuch kein Befund."},
    ReadingMatter{"Kleine Werkzeuge, lange Haltbarkeit", "kleine-werkzeuge",
                  "Weniger altert besser."},
};
constexpr std::array<std::string_view, 7> phrases_habits{"Zehn Minuten lesen",
                                                         "Ein Glas Wasser am Morgen",
                                                         "Spaziergang nach dem Essen",
                                                         "Kein Handy vor neun",
                                                         "Rücken dehnen",
                                                         "Drei Sätze Tagebuch",
                                                         "Vor Mitternacht ins Bett"};
constexpr std::array<std::string_view, 6> phrases_moods{
    "Müde, aber zufrieden mit dem Vormittag.",     "Zu viel auf einmal, Kopf voll.",
    "Guter Spaziergang, danach klarer gedacht.",   "Etwas gereizt nach dem Telefonat.",
    "Überraschend leicht durch den Tag gekommen.", "Schlecht geschlafen, trotzdem geht es."};
constexpr std::array<std::string_view, 5> phrases_places{"Küche", "Büro, Raum 2", "Café am Park",
                                                         "Zu Hause", "Bibliothek"};
constexpr std::array<std::string_view, 6> phrases_tags{"alltag", "idee",   "wichtig",
                                                       "später", "arbeit", "zuhause"};
constexpr std::array<std::string_view, 6> phrases_before{
    "Dann trage ich das gleich ein.", "Kurz nachsehen, was da noch liegt.",
    "Das will ich nicht vergessen.",  "Als Nächstes das hier.",
    "Moment, das halte ich fest.",    "Weiter im Tag."};
constexpr std::array<std::string_view, 4> phrases_error{
    "Hm, das wollte er nicht. Ich versuche es anders.",
    "Das war wohl falsch ausgefüllt, noch einmal.", "Komisch, eine Fehlermeldung. Neuer Versuch.",
    "Das verstehe ich nicht ganz, aber vielleicht so."};
constexpr std::array<std::string_view, 4> phrases_bye{
    "So, das reicht für heute. Morgen sehe ich weiter.",
    "Für heute bin ich durch. Das Wichtigste steht drin.",
    "Gut, alles notiert. Jetzt ist Feierabend.",
    "Das war es erst einmal. Ich schaue später noch einmal hinein."};
constexpr std::array<std::string_view, 2> phrases_bye_newcomer{
    "Ich glaube, ich habe es richtig gemacht? Ganz sicher bin ich nicht. Bis morgen.",
    "Puh, für heute genug geklickt. Ein paar Sachen finde ich bestimmt nicht wieder."};

constexpr std::array<std::string_view, 6> phrases_praise{
    "Hat ohne Umweg gemacht, was ich wollte", "Schnell eingetragen und sofort wiedergefunden",
    "Ging so, wie ich es erwartet habe",      "Angenehm schlicht, nichts stand im Weg",
    "Genau richtig für zwischendurch",        "Da musste ich nicht nachdenken"};
constexpr std::array<std::string_view, 2> phrases_praise_newcomer{
    "Das hat geklappt, glaube ich jedenfalls", "Hier habe ich sogar verstanden, was passiert"};
constexpr std::array<std::string_view, 5> phrases_complaint{
    "Geärgert hat mich die Fehlermeldung", "Erst nach einer Absage ging es weiter",
    "Warum das nicht gleich ging, weiß ich nicht", "Der Fehler hat mich aus dem Tritt gebracht",
    "Dass es die Eingabe zurückwies, hätte nicht sein müssen"};
constexpr std::array<std::string_view, 2> phrases_complaint_newcomer{
    "Da kam eine Meldung, mit der ich nichts anfangen konnte",
    "Ich habe wohl etwas falsch gemacht, aber was, stand da nicht verständlich"};

struct ThemeWord {
    std::string_view word;
    Theme theme;
};
constexpr std::array phrases_theme_words{
    ThemeWord{"überfordert", Theme::newcomer},   ThemeWord{"praktikant", Theme::newcomer},
    ThemeWord{"newbie", Theme::newcomer},        ThemeWord{"zum ersten mal", Theme::newcomer},
    ThemeWord{"fotograf", Theme::photographer},  ThemeWord{"freelanc", Theme::photographer},
    ThemeWord{"freiberuf", Theme::photographer}, ThemeWord{"studier", Theme::student},
    ThemeWord{"student", Theme::student},        ThemeWord{"adhs", Theme::student},
    ThemeWord{"geschäftsführ", Theme::chief},    ThemeWord{"tagesgeschäft", Theme::chief},
    ThemeWord{"vorstand", Theme::chief},         ThemeWord{"unternehmer", Theme::chief},
    ThemeWord{"forsch", Theme::researcher},      ThemeWord{"wissenschaft", Theme::researcher},
    ThemeWord{"promov", Theme::researcher},      ThemeWord{"entwickl", Theme::developer},
    ThemeWord{"programm", Theme::developer},     ThemeWord{"software", Theme::developer},
    ThemeWord{"kinder", Theme::parent},          ThemeWord{"mutter", Theme::parent},
    ThemeWord{"vater", Theme::parent},           ThemeWord{"parent", Theme::parent},
};

}  // namespace

Theme theme_of(std::string_view system) {
    const std::string text = base::lower_ascii(system);
    // A prompt introduces its person first and the others later.
    std::size_t earliest = std::string::npos;
    Theme theme = Theme::everyday;
    for (const ThemeWord& one : phrases_theme_words) {
        const std::size_t at = text.find(one.word);
        if (at >= earliest) continue;
        earliest = at;
        theme = one.theme;
    }
    return theme;
}

std::span<const Matter> matters(Theme theme) {
    switch (theme) {
        case Theme::student: return phrases_student;
        case Theme::chief: return phrases_chief;
        case Theme::parent: return phrases_parent;
        case Theme::developer: return phrases_developer;
        case Theme::researcher: return phrases_researcher;
        case Theme::photographer: return phrases_photographer;
        case Theme::newcomer: return phrases_newcomer;
        case Theme::everyday: break;
    }
    return phrases_everyday;
}

std::span<const Acquaintance> acquaintances() {
    return phrases_people;
}
std::span<const ReadingMatter> reading_matters() {
    return phrases_articles;
}
Lines habit_titles() {
    return phrases_habits;
}
Lines mood_notes() {
    return phrases_moods;
}
Lines places() {
    return phrases_places;
}
Lines tags() {
    return phrases_tags;
}

std::string_view praise(Theme theme, Dice& dice) {
    if (theme == Theme::newcomer) return dice.pick(phrases_praise_newcomer);
    return dice.pick(phrases_praise);
}

std::string_view complaint(Theme theme, Dice& dice) {
    if (theme == Theme::newcomer) return dice.pick(phrases_complaint_newcomer);
    return dice.pick(phrases_complaint);
}

std::string_view before_calls(Dice& dice) {
    return dice.pick(phrases_before);
}
std::string_view after_error(Dice& dice) {
    return dice.pick(phrases_error);
}

std::string_view farewell(Theme theme, Dice& dice) {
    if (theme == Theme::newcomer) return dice.pick(phrases_bye_newcomer);
    return dice.pick(phrases_bye);
}

}  // namespace sim
