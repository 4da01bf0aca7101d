/* A capture card that is none, for ALSA: what PortAudio finds behind it is real, and so are its overruns.
 *
 * It has one rate and one number of channels. What it "hears" is a file of s16le samples that begins when the card is
 * first started and goes on whether or not anybody captures, as a speaker would: `origin` names a file that holds that
 * moment, so that a card that is opened again goes on where time is. Behind the end of the file there is silence.
 * While a file `away` exists the card is unplugged; `stuck 1` makes that the kind after which nothing returns.
 *
 *     pcm.NAME { type fakecard rate 16000 channels 1 file "..." origin "..." away "..." stuck 0 }
 */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct card {
    snd_pcm_ioplug_t plug;
    long rate, channels, stuck;
    char *away;
    int16_t *heard;
    int64_t heard_samples;
    double origin;
    int64_t began; /* the frame, counted from the origin, at which this capture began */
    int running;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t frames_now(const struct card *card) { return (int64_t)((now() - card->origin) * (double)card->rate); }

static int is_away(const struct card *card) { return card->away && access(card->away, F_OK) == 0; }

static int tick(struct card *card, int on) {
    double period = on ? 0.5 * (double)card->plug.period_size / (double)card->rate : 0;
    struct itimerspec timer = {0};
    if (on && period < 0.001) period = 0.001;
    timer.it_interval.tv_sec = (time_t)period;
    timer.it_interval.tv_nsec = (long)((period - (double)(time_t)period) * 1e9);
    timer.it_value = timer.it_interval;
    return timerfd_settime(card->plug.poll_fd, 0, &timer, NULL);
}

static int card_prepare(snd_pcm_ioplug_t *plug) {
    struct card *card = plug->private_data;
    card->running = 0;
    return is_away(card) ? -ENODEV : 0;
}

static int card_start(snd_pcm_ioplug_t *plug) {
    struct card *card = plug->private_data;
    if (is_away(card)) return -ENODEV;
    card->began = frames_now(card);
    card->running = 1;
    return tick(card, 1);
}

static int card_stop(snd_pcm_ioplug_t *plug) {
    struct card *card = plug->private_data;
    card->running = 0;
    return tick(card, 0);
}

static int64_t captured(const struct card *card) { return card->running ? frames_now(card) - card->began : 0; }

static snd_pcm_sframes_t card_pointer(snd_pcm_ioplug_t *plug) {
    struct card *card = plug->private_data;
    int64_t frames = captured(card);
    if (is_away(card)) return -ENODEV;
    if (frames > (int64_t)(plug->appl_ptr + plug->buffer_size)) return -EPIPE; /* nobody came in time */
    return (snd_pcm_sframes_t)(frames % (int64_t)plug->buffer_size);
}

static snd_pcm_sframes_t card_transfer(snd_pcm_ioplug_t *plug, const snd_pcm_channel_area_t *areas,
                                       snd_pcm_uframes_t offset, snd_pcm_uframes_t size) {
    struct card *card = plug->private_data;
    int16_t *to = (int16_t *)((char *)areas->addr + (areas->first + offset * areas->step) / 8);
    int64_t at = (card->began + (int64_t)plug->appl_ptr) * card->channels;
    if (is_away(card)) return -ENODEV;
    for (int64_t i = 0; i < (int64_t)size * card->channels; i++, at++)
        to[i] = at < card->heard_samples ? card->heard[at] : 0;
    return (snd_pcm_sframes_t)size;
}

static int card_events(snd_pcm_ioplug_t *plug, struct pollfd *fds, unsigned int count, unsigned short *events) {
    struct card *card = plug->private_data;
    uint64_t ticks;
    (void)count;
    *events = 0;
    if ((fds[0].revents & POLLIN) && read(plug->poll_fd, &ticks, sizeof ticks) < 0) return 0;
    if (is_away(card)) {
        if (!card->stuck) {
            snd_pcm_ioplug_set_state(plug, SND_PCM_STATE_DISCONNECTED);
            return -ENODEV;
        }
        *events = POLLERR | POLLIN;
    } else if (captured(card) >= (int64_t)(plug->appl_ptr + plug->period_size)) {
        *events = POLLIN;
    }
    return 0;
}

static int card_close(snd_pcm_ioplug_t *plug) {
    struct card *card = plug->private_data;
    close(plug->poll_fd);
    free(card->heard);
    free(card->away);
    free(card);
    return 0;
}

static const snd_pcm_ioplug_callback_t CALLBACKS = {
    .prepare = card_prepare, .start = card_start, .stop = card_stop, .pointer = card_pointer,
    .transfer = card_transfer, .poll_revents = card_events, .close = card_close,
};

static void hear(struct card *card, const char *path) {
    FILE *file = path ? fopen(path, "rb") : NULL;
    if (!file) return;
    fseek(file, 0, SEEK_END);
    long bytes = ftell(file);
    rewind(file);
    card->heard = malloc((size_t)bytes + 2);
    card->heard_samples = (int64_t)(fread(card->heard, 1, (size_t)bytes, file) / 2);
    fclose(file);
}

/* The moment at which the card was first opened, in whichever process that was. */
static double origin_of(const char *path) {
    double origin = now();
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) {
        if (fscanf(file, "%lf", &origin) != 1) origin = now();
        fclose(file);
    } else if (path && (file = fopen(path, "w"))) {
        fprintf(file, "%.9f\n", origin);
        fclose(file);
    }
    return origin;
}

static int shape(struct card *card) {
    unsigned int access[] = {SND_PCM_ACCESS_MMAP_INTERLEAVED, SND_PCM_ACCESS_RW_INTERLEAVED};
    unsigned int format[] = {SND_PCM_FORMAT_S16_LE};
    struct { int what; unsigned int least, most; } limits[] = {
        {SND_PCM_IOPLUG_HW_RATE, (unsigned)card->rate, (unsigned)card->rate},
        {SND_PCM_IOPLUG_HW_CHANNELS, (unsigned)card->channels, (unsigned)card->channels},
        {SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 1 << 16},
        {SND_PCM_IOPLUG_HW_BUFFER_BYTES, 256, 1 << 18},
        {SND_PCM_IOPLUG_HW_PERIODS, 2, 64},
    };
    int error = snd_pcm_ioplug_set_param_list(&card->plug, SND_PCM_IOPLUG_HW_ACCESS, 2, access);
    if (!error) error = snd_pcm_ioplug_set_param_list(&card->plug, SND_PCM_IOPLUG_HW_FORMAT, 1, format);
    for (size_t i = 0; !error && i < sizeof limits / sizeof *limits; i++)
        error = snd_pcm_ioplug_set_param_minmax(&card->plug, limits[i].what, limits[i].least, limits[i].most);
    return error;
}

SND_PCM_PLUGIN_DEFINE_FUNC(fakecard) {
    const char *file = NULL, *origin = NULL, *away = NULL, *key;
    long rate = 16000, channels = 1, stuck = 0;
    snd_config_iterator_t each, next;
    (void)root;
    snd_config_for_each(each, next, conf) {
        snd_config_t *entry = snd_config_iterator_entry(each);
        if (snd_config_get_id(entry, &key) < 0) continue;
        if (!strcmp(key, "rate")) snd_config_get_integer(entry, &rate);
        else if (!strcmp(key, "channels")) snd_config_get_integer(entry, &channels);
        else if (!strcmp(key, "stuck")) snd_config_get_integer(entry, &stuck);
        else if (!strcmp(key, "file")) snd_config_get_string(entry, &file);
        else if (!strcmp(key, "origin")) snd_config_get_string(entry, &origin);
        else if (!strcmp(key, "away")) snd_config_get_string(entry, &away);
    }
    if (stream != SND_PCM_STREAM_CAPTURE) return -ENOENT;
    if (away && access(away, F_OK) == 0) return -ENODEV;
    struct card *card = calloc(1, sizeof *card);
    if (!card) return -ENOMEM;
    card->rate = rate, card->channels = channels, card->stuck = stuck;
    card->away = away ? strdup(away) : NULL;
    hear(card, file);
    card->origin = origin_of(origin);
    card->plug.version = SND_PCM_IOPLUG_VERSION;
    card->plug.name = "a card that is none";
    card->plug.callback = &CALLBACKS;
    card->plug.private_data = card;
    card->plug.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    card->plug.poll_events = POLLIN;
    int error = snd_pcm_ioplug_create(&card->plug, name, stream, mode);
    if (!error) error = shape(card);
    if (!error) *pcmp = card->plug.pcm;
    return error;
}

SND_PCM_PLUGIN_SYMBOL(fakecard);
