/* The load client of the benchmark: runs one work against a server on 127.0.0.1, verifies it, and
   prints one JSON object. Status 1: the peer failed; 2: the command line is wrong. */
#include "engine.h"
#include "net.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20, CONNECTIONS_MAX = 10000 };

static const struct work WORKS[] = {
    {"W1", ECHOED, 1, 0, 512, 32, 200000000},
    {"W2", ECHOED, 1, 0, 1, 32, 2000000},
    {"W3", ONE_WAY, 1, 0, 2, MIB, 50000},
    {"W3e", ECHOED, 1, 0, 4, MIB, 20000},
    {"W4", ECHOED, 100, 1000, 1, 32, 5000000},
    {"W5", CHURN, 8, 0, 1, 32, 200000},
};

static const char USAGE[] =
    "usage: ws-load --work W1|W2|W3|W3e|W4|W5 --port PORT [--seconds S] [--count N]\n"
    "               [--timeout S] [--idle N] [--busy N] [--text ascii|bmp|astral]\n"
    "               [--payload text|json] [--edited] [--dialect hixie-76|rfc6455]\n";

static struct work work_named(const char *name)
{
    for (size_t i = 0; i < sizeof WORKS / sizeof *WORKS; i++)
        if (!strcmp(WORKS[i].name, name))
            return WORKS[i];
    leave(EXIT_USAGE, "--work must be W1, W2, W3, W3e, W4 or W5, not '%s'", name);
}

static struct settings parse(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"work", required_argument, NULL, 'w'},    {"port", required_argument, NULL, 'p'},
        {"seconds", required_argument, NULL, 's'}, {"count", required_argument, NULL, 'c'},
        {"timeout", required_argument, NULL, 't'}, {"idle", required_argument, NULL, 'i'},
        {"busy", required_argument, NULL, 'b'},    {"text", required_argument, NULL, 'x'},
        {"payload", required_argument, NULL, 'y'}, {"edited", no_argument, NULL, 'e'},
        {"dialect", required_argument, NULL, 'd'}, {0}};
    struct settings settings = {.dialect = HIXIE_76, .seconds = 2, .timeout = 10,
                                .content = {.text = ASTRAL, .hop = HOP_SENT}};
    double count = 0, idle = -1, busy = 0;
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case 'w':
            settings.work = work_named(optarg);
            break;
        case 'p':
            settings.port = (uint16_t)number_option("--port", optarg, 1, UINT16_MAX);
            break;
        case 's':
            settings.seconds = number_option("--seconds", optarg, 0.001, 3600);
            break;
        case 'c':
            count = number_option("--count", optarg, 1, 1e12);
            break;
        case 't':
            settings.timeout = number_option("--timeout", optarg, 0.001, 3600);
            break;
        case 'i':
            idle = number_option("--idle", optarg, 0, CONNECTIONS_MAX);
            break;
        case 'b':
            busy = number_option("--busy", optarg, 1, CONNECTIONS_MAX);
            break;
        case 'x':
            settings.content.text = text_named(optarg);
            if (settings.content.text == TEXTS)
                leave(EXIT_USAGE, "--text must be ascii, bmp or astral, not '%s'", optarg);
            break;
        case 'y':
            settings.content.json = !strcmp(optarg, "json");
            if (!settings.content.json && strcmp(optarg, "text"))
                leave(EXIT_USAGE, "--payload must be text or json, not '%s'", optarg);
            break;
        case 'e':
            settings.edits = 1;
            break;
        case 'd':
            settings.dialect = dialect_named(optarg);
            if (settings.dialect == DIALECTS)
                leave(EXIT_USAGE, "--dialect must be hixie-76 or rfc6455, not '%s'", optarg);
            break;
        default:
            exit(EXIT_USAGE);
        }
    }
    if (optind < argc || !settings.work.name || !settings.port) {
        fputs(USAGE, stderr);
        exit(EXIT_USAGE);
    }
    if (settings.edits && !settings.content.json)
        leave(EXIT_USAGE, "--edited needs --payload json: the edit is one of JSON");
    if (count > 0)
        settings.work.count = (uint64_t)count;
    if (idle >= 0)
        settings.work.idle = (unsigned)idle;
    if (busy > 0)
        settings.work.busy = (unsigned)busy;
    return settings;
}

static void print(const struct settings *settings, const struct outcome *outcome)
{
    const struct work *work = &settings->work;
    double per_second = (double)outcome->messages / outcome->seconds;
    printf("{\"work\": \"%s\", \"dialect\": \"%s\", \"busy\": %u, \"idle\": %u, "
           "\"outstanding\": %u, \"message_size\": %zu, \"text\": \"%s\", \"payload\": \"%s\", "
           "\"edited\": %s, \"seconds\": %.6f, "
           "\"messages\": %" PRIu64 ", \"messages_per_second\": %.1f, "
           "\"mib_per_second\": %.3f",
           work->name, DIALECT_NAMES[settings->dialect], work->busy, work->idle, work->outstanding,
           work->message_size, TEXT_NAMES[settings->content.text],
           settings->content.json ? "json" : "text", settings->edits ? "true" : "false",
           outcome->seconds, outcome->messages, per_second, per_second * (double)work->message_size / MIB);
    if (work->shape == CHURN)
        printf(", \"connections\": %" PRIu64 ", \"connections_per_second\": %.1f",
               outcome->messages, per_second);
    if (outcome->has_round_trips)
        printf(", \"round_trip_p50_us\": %.3f, \"round_trip_p99_us\": %.3f",
               outcome->round_trip_p50_us, outcome->round_trip_p99_us);
    puts("}");
}

int main(int argc, char **argv)
{
    struct settings settings = parse(argc, argv);
    raise_descriptor_limit();
    struct outcome outcome = work_run(&settings);
    print(&settings, &outcome);
}
